//! Tasks that are dropped unless claimed in time (EXPIRE). `task:{q}:expiring` has those that are
//! scheduled or ready, score = when they expire, unix ms; a claim removes them.

use crate::error::Result;
use crate::names::Part;
use crate::task::handle::{Queue, Task};
use crate::task::header::EXPIRES;
use crate::time::Wall;

/// Errors with `WrongType` unless the task has no EXPIRE or the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    if !task.header.has(EXPIRES) {
        return Ok(());
    }
    queue.keys.ensure_type(queue.name.of_queue(Part::Expiring))
}

/// Starts the EXPIRE of a task that becomes ready at `ready`.
pub(crate) fn start(queue: &mut Queue<'_>, task: &Task, ready: Wall) -> Result<()> {
    if !task.header.has(EXPIRES) {
        return Ok(());
    }
    // Without its options, which somebody may have deleted, it does not expire.
    let Some(ms) = task.options(queue).expire else {
        return Ok(());
    };
    add(queue, &[&task.id], ready.after(ms.max(0)))
}

/// Adds tasks that are dropped at that moment unless they are claimed.
pub(crate) fn add(queue: &mut Queue<'_>, ids: &[&[u8]], when: Wall) -> Result<()> {
    let members: Vec<(i64, &[u8])> = ids.iter().map(|id| (when.0, *id)).collect();
    queue.keys.zadd(queue.name.of_queue(Part::Expiring), &members)?;
    queue.memory().maybe_expiring = true;
    queue.wake_at(when);
    Ok(())
}

/// Removes a task that was claimed or has ended. A key of another type is skipped: it is not in there.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) {
    if task.header.has(EXPIRES) {
        let _ = queue.keys.zrem(queue.name.of_queue(Part::Expiring), &[&task.id]);
    }
}
