//! Tasks that must not run yet, though their time may have come: they wait for their turn in their group (`group`) or
//! for the ends of others (`dependencies`). `task:{q}:blocked` has all of them, score = since when, unix ms. Nothing
//! but an end unblocks one, so that no claim and no timer has to look for them.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Blocked))
}

/// Puts a task in.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    let since = queue.context.wall;
    queue
        .keys
        .zadd(queue.name.index(Index::Blocked), &[(since.0, &task.id)])?;
    queue.memory().maybe_blocked = true;
    Ok(())
}

/// Takes a task out.
pub(crate) fn remove(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    queue.keys.zrem(queue.name.index(Index::Blocked), &[id])?;
    Ok(())
}

/// The timer repairs all blocked tasks: some may be free to go on.
pub(crate) fn rescan(queue: &mut Queue<'_>) {
    queue.memory().blocked_rescan = Some((i64::MIN, Vec::new()));
    queue.wake_now();
}
