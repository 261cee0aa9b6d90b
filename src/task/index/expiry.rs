//! Tasks that are dropped when nobody claims them in time (EXPIRE). `task:{q}:expiring` has those that wait, with
//! the moment; they leave it when they are claimed.

use crate::error::Result;
use crate::names::Part;
use crate::task::handle::{Queue, Task};
use crate::task::header::EXPIRES;
use crate::time::Wall;

/// Errors with `WrongType` unless what this task needs of the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    if !task.header.has(EXPIRES) {
        return Ok(());
    }
    queue.keys.ensure_type(queue.name.of_queue(Part::Expiring))
}

/// The task is, or becomes, ready at `ready`: from then on its time runs.
pub(crate) fn start(queue: &mut Queue<'_>, task: &Task, ready: Wall) -> Result<()> {
    if !task.header.has(EXPIRES) {
        return Ok(());
    }
    // Options that somebody edited away let it live.
    let Some(ms) = task.options(queue).expire else {
        return Ok(());
    };
    add(queue, &[&task.id], ready.after(ms.max(0)))
}

/// These tasks are dropped at that moment unless somebody claims them.
pub(crate) fn add(queue: &mut Queue<'_>, ids: &[&[u8]], when: Wall) -> Result<()> {
    let members: Vec<(i64, &[u8])> = ids.iter().map(|id| (when.0, *id)).collect();
    queue.keys.zadd(queue.name.of_queue(Part::Expiring), &members)?;
    queue.memory().maybe_expiring = true;
    queue.wake_at(when);
    Ok(())
}

/// The task was claimed, or is no more. In a key of another type there is nothing of it.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) {
    if task.header.has(EXPIRES) {
        let _ = queue.keys.zrem(queue.name.of_queue(Part::Expiring), &[&task.id]);
    }
}
