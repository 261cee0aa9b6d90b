//! Ids in the ready lists that do not count.

use crate::error::Result;
use crate::names::{Name, PRIORITIES};
use crate::settings::QueueSettings;
use crate::state::queue::Pass;
use crate::task::index::ready;
use crate::tx::Tx;

/// Entries of a list that are looked at in one slice.
const LOOKED_AT: usize = 128;

/// Takes ids that do not count out of the ready lists: from a list that is more than half of them, and from
/// the heads when a claim met too many.
pub(super) fn compact(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let mut more = false;
    let trim = std::mem::take(&mut tx.state.queue(name).trim);
    for priority in 0..PRIORITIES {
        let ghosts = settings.ghosts(priority) as usize;
        if ghosts == 0 {
            continue;
        }
        let length = tx.keys.llen(name.ready(priority))?;
        if length == 0 {
            // Somebody deleted the list.
            ready::change_ghosts(tx, name, priority, -(ghosts as i64))?;
        } else if trim {
            let (_, removed) = discard(tx, name, priority, 0, settings)?;
            tx.state.queue(name).trim |= removed > 0;
            more |= removed > 0;
        } else if ghosts * 2 > length {
            pass(tx, name, priority, settings)?;
            more = true;
        }
    }
    Ok(more)
}

/// The next slice of a pass over a list.
fn pass(tx: &mut Tx<'_>, name: &Name, priority: u8, settings: &QueueSettings) -> Result<()> {
    let slot = usize::from(priority);
    let mut pass = tx.state.queue(name).passes.get(slot).copied().unwrap_or_default();
    let (seen, removed) = discard(tx, name, priority, pass.at, settings)?;
    pass.found |= removed > 0;
    pass.at += seen - removed;
    if seen < LOOKED_AT {
        if !pass.found {
            // Records were deleted by hand: the stored number stands for nothing in this list.
            let ghosts = i64::from(settings.ghosts(priority));
            ready::change_ghosts(tx, name, priority, -ghosts)?;
        }
        pass = Pass::default();
    }
    if let Some(stored) = tx.state.queue(name).passes.get_mut(slot) {
        *stored = pass;
    }
    Ok(())
}

/// Removes the ids that do not count among the next ones from a position on: how many were looked at, how many
/// removed.
fn discard(
    tx: &mut Tx<'_>,
    name: &Name,
    priority: u8,
    from: usize,
    settings: &QueueSettings,
) -> Result<(usize, usize)> {
    let list = name.ready(priority);
    let ids = tx.keys.lrange(list, i64::try_from(from).unwrap_or(0), LOOKED_AT)?;
    let mut positions = Vec::new();
    let mut ghosts = 0;
    for (offset, id) in ids.iter().enumerate() {
        let record = ready::look(tx, name, id);
        let counts = record
            .as_ref()
            .is_some_and(|record| ready::counts(record, priority, settings));
        if !counts {
            positions.push(from + offset);
            ghosts += i64::from(ready::discard(tx, name, id, priority, record)?);
        }
    }
    if !positions.is_empty() {
        tx.keys.lremove(list, &positions)?;
    }
    ready::change_ghosts(tx, name, priority, -ghosts)?;
    Ok((ids.len(), positions.len()))
}
