//! Tasks that are not due yet: `task:{q}:scheduled`, score = due, unix ms.

use smallvec::SmallVec;

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};
use crate::time::Wall;

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Scheduled))
}

/// Adds a task, or moves it to its due time.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    add_all(queue, task.header.due, &[&task.id])
}

/// Adds tasks that are due at the same moment.
pub(crate) fn add_all(queue: &mut Queue<'_>, due: Wall, ids: &[&[u8]]) -> Result<()> {
    let members: SmallVec<[(i64, &[u8]); 4]> = ids.iter().map(|id| (due.0, *id)).collect();
    queue.keys.zadd(queue.name.index(Index::Scheduled), &members)?;
    queue.wake_at(due);
    Ok(())
}

/// Removes a task; whether it was there.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) -> Result<bool> {
    Ok(queue.keys.zrem(queue.name.index(Index::Scheduled), &[&task.id])? > 0)
}
