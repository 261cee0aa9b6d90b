//! Tasks that are not due yet: `task:{q}:scheduled`, score = due, unix ms.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Scheduled))
}

/// Adds a task, or moves it to its due time.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    let due = task.header.due;
    queue
        .keys
        .zadd(queue.name.index(Index::Scheduled), &[(due.0, &task.id)])?;
    queue.wake_at(due);
    Ok(())
}

/// Removes a task; whether it was there.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) -> Result<bool> {
    Ok(queue.keys.zrem(queue.name.index(Index::Scheduled), &[&task.id])? > 0)
}
