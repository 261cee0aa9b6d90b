//! Ids in the ready lists that do not count.

use crate::error::Result;
use crate::names::PRIORITIES;
use crate::state::queue::Pass;
use crate::task::handle::{Queue, Task};
use crate::task::index::ready;

/// Entries of a list that are looked at in one slice.
const LOOKED_AT: usize = 128;

/// Takes ids that do not count out of the ready lists: from a list that is more than half of them, and from
/// the heads when a claim met too many.
pub(super) fn compact(queue: &mut Queue<'_>) -> Result<bool> {
    let mut more = false;
    let trim = std::mem::take(&mut queue.memory().trim);
    for priority in 0..PRIORITIES {
        let ghosts = queue.settings.ghosts(priority) as usize;
        if ghosts == 0 {
            continue;
        }
        let length = queue.keys.llen(queue.name.ready(priority))?;
        if length == 0 {
            // Somebody deleted the list.
            ready::change_ghosts(queue, priority, -(ghosts as i64))?;
        } else if trim {
            let (_, removed) = discard(queue, priority, 0)?;
            queue.memory().trim |= removed > 0;
            more |= removed > 0;
        } else if ghosts * 2 > length {
            pass(queue, priority)?;
            more = true;
        }
    }
    Ok(more)
}

/// The next slice of a pass over a list.
fn pass(queue: &mut Queue<'_>, priority: u8) -> Result<()> {
    let slot = usize::from(priority);
    let mut pass = queue.memory().passes.get(slot).copied().unwrap_or_default();
    let (seen, removed) = discard(queue, priority, pass.at)?;
    pass.found |= removed > 0;
    pass.at += seen - removed;
    if seen < LOOKED_AT {
        if !pass.found {
            // Records were deleted by hand: the stored number stands for nothing in this list.
            let ghosts = i64::from(queue.settings.ghosts(priority));
            ready::change_ghosts(queue, priority, -ghosts)?;
        }
        pass = Pass::default();
    }
    if let Some(stored) = queue.memory().passes.get_mut(slot) {
        *stored = pass;
    }
    Ok(())
}

/// Removes the ids that do not count among the next ones from a position on: how many were looked at, how many
/// removed.
fn discard(queue: &mut Queue<'_>, priority: u8, from: usize) -> Result<(usize, usize)> {
    let ids = queue
        .keys
        .lrange(queue.name.ready(priority), i64::try_from(from).unwrap_or(0), LOOKED_AT)?;
    let mut positions = Vec::new();
    let mut ghosts = 0;
    for (offset, id) in ids.iter().enumerate() {
        let task = queue.read_header(id);
        let counts = |task: &Task| ready::counts(queue, &task.header, priority);
        if !task.as_ref().is_some_and(counts) {
            positions.push(from + offset);
            ghosts += i64::from(ready::discard(queue, priority, task)?);
        }
    }
    if !positions.is_empty() {
        queue.keys.lremove(queue.name.ready(priority), &positions)?;
    }
    ready::change_ghosts(queue, priority, -ghosts)?;
    Ok((ids.len(), positions.len()))
}
