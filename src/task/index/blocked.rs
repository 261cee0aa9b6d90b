//! Tasks that must not run yet, even if they are due: they wait for their turn in their group (`group`) or for the ends
//! of others (`dependencies`). `task:{q}:blocked` has all of them, score = since when, unix ms. Only an end unblocks a
//! task, so neither claims nor the timer have to search for them.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Blocked))
}

/// Adds a task.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    let since = queue.context.wall;
    queue
        .keys
        .zadd(queue.name.index(Index::Blocked), &[(since.0, &task.id)])?;
    queue.memory().maybe_blocked = true;
    Ok(())
}

/// Removes a task.
pub(crate) fn remove(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    queue.keys.zrem(queue.name.index(Index::Blocked), &[id])?;
    Ok(())
}

/// Makes the timer repair all blocked tasks: some may not be blocked any more.
pub(crate) fn rescan(queue: &mut Queue<'_>) {
    queue.memory().blocked_rescan = Some((i64::MIN, Vec::new()));
    queue.wake_now();
}
