//! Retained tasks: done and kept with their results, for inspection, and so that a producer that sends one again gets
//! an error (idempotent producers); cancelled or expired and kept so that one can see why. `task:{q}:done`, score = kept
//! until, unix ms.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};
use crate::task::header::RETAINED;
use crate::time::Ms;

/// How long this task is retained when it has ended, ms; 0: not at all.
pub(crate) fn retain(queue: &mut Queue<'_>, task: &Task) -> Ms {
    let own = if task.header.has(RETAINED) {
        task.options(queue).retain
    } else {
        None
    };
    own.unwrap_or_else(|| queue.settings.numbers.retain(&queue.context.config))
}

/// Errors with `WrongType` unless the keys that retain this task have the right types.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Done))?;
    queue.keys.ensure_type(queue.name.options(id))
}

/// Adds a task for that long.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task, retain: Ms) -> Result<()> {
    let until = queue.context.wall.after(retain);
    queue.keys.zadd(queue.name.index(Index::Done), &[(until.0, &task.id)])?;
    queue.memory().maybe_done = true;
    queue.wake_at(until);
    Ok(())
}

/// Removes a task. A key of another type is skipped: it is not in there.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) {
    let _ = queue.keys.zrem(queue.name.index(Index::Done), &[&task.id]);
}

/// When the next retained task is to be removed, unix ms.
pub(crate) fn next(queue: &mut Queue<'_>) -> Result<Option<Ms>> {
    if !queue.memory().maybe_done {
        return Ok(None);
    }
    let first = queue.keys.zlowest(queue.name.index(Index::Done), i64::MAX, 1)?;
    Ok(first.first().map(|(until, _)| *until))
}
