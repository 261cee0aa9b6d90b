//! Removes ghosts from the ready lists.

use crate::error::Result;
use crate::names::PRIORITIES;
use crate::state::queue::Pass;
use crate::task::handle::{Queue, Task};
use crate::task::index::{later, ready};

/// Entries of a list that are scanned in one slice.
const SCANNED: usize = 128;

/// Removes ghosts: from lists of which they are more than half, and from the heads when a claim ran into too many.
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
            let slice = discard(queue, priority, 0)?;
            queue.memory().trim |= slice.removed > 0;
            more |= slice.removed > 0;
        } else if ghosts * 2 > length {
            more |= pass(queue, priority)?;
        }
    }
    Ok(more)
}

/// What was found in a slice of a list.
struct Slice {
    /// How many ids were scanned.
    seen: usize,
    /// How many of them were removed.
    removed: usize,
    /// How many have records of a later version, which may count or not.
    unreadable: usize,
}

/// The next slice of a pass over a list. Returns whether to go on at once.
fn pass(queue: &mut Queue<'_>, priority: u8) -> Result<bool> {
    let slot = usize::from(priority);
    let mut pass = queue.memory().passes.get(slot).copied().unwrap_or_default();
    let slice = discard(queue, priority, pass.at)?;
    pass.found |= slice.removed + slice.unreadable > 0;
    pass.at += slice.seen - slice.removed;
    if slice.seen < SCANNED {
        if !pass.found {
            // Records were deleted by hand: the stored number is wrong.
            let ghosts = i64::from(queue.settings.ghosts(priority));
            ready::change_ghosts(queue, priority, -ghosts)?;
        }
        pass = Pass::default();
    }
    if let Some(stored) = queue.memory().passes.get_mut(slot) {
        *stored = pass;
    }
    Ok(slice.removed > 0 || slice.unreadable == 0)
}

/// Removes the ids that do not count among the next ones from a position on.
fn discard(queue: &mut Queue<'_>, priority: u8, from: usize) -> Result<Slice> {
    let list = queue.name.ready(priority);
    let ids = queue.keys.lrange(list, i64::try_from(from).unwrap_or(0), SCANNED)?;
    let mut unreadable = 0;
    let mut removed: Vec<(usize, &[u8])> = Vec::new();
    let mut ghosts = 0;
    for (offset, id) in ids.iter().enumerate() {
        let task = queue.read_header(id);
        let counts = |task: &Task| ready::counts(queue, &task.header, priority);
        if task.as_ref().is_some_and(counts) {
            continue;
        }
        if task.is_none() && later::is_later(queue, id) {
            unreadable += 1;
        } else {
            removed.push((from + offset, id));
            ghosts += i64::from(ready::discard(queue, priority, task)?);
        }
    }
    if !removed.is_empty() {
        queue.keys.lremove(queue.name.ready(priority), &removed)?;
    }
    ready::change_ghosts(queue, priority, -ghosts)?;
    Ok(Slice {
        seen: ids.len(),
        removed: removed.len(),
        unreadable,
    })
}
