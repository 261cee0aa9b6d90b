//! Removes dead letters and done tasks whose retention is over.

use crate::error::Result;
use crate::names::{Index, Part};
use crate::task::handle::Queue;
use crate::task::index::later;
use crate::task::lifecycle;

/// Done tasks that one slice removes.
const REMOVED: usize = 100;

/// Trims the dead letters to their limits.
pub(super) fn trim_dead(queue: &mut Queue<'_>) -> Result<bool> {
    lifecycle::trim_dead(queue)
}

/// Removes the done tasks whose retention is over, a hundred at most. Returns whether there are more.
pub(super) fn trim_done(queue: &mut Queue<'_>) -> Result<bool> {
    if !queue.memory().maybe_done {
        return Ok(false);
    }
    let done = queue.name.index(Index::Done);
    let over = queue.keys.zlowest(done, queue.context.wall.0, REMOVED)?;
    let unreadable = lifecycle::erase(queue, &over)?;
    if !over.is_empty() {
        queue.keys.zrem_lowest(queue.name.index(Index::Done), &over)?;
    }
    later::postpone(queue, Part::Done, &unreadable)?;
    let left = queue.keys.zcard(queue.name.index(Index::Done))?;
    queue.memory().maybe_done = left > 0;
    Ok(over.len() == REMOVED)
}
