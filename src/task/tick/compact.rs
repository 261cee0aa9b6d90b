//! Ids in the ready lists that do not count.

use crate::keyspace::Answer;
use crate::names::{Name, PRIORITIES};
use crate::queue::Pass;
use crate::settings::Settings;
use crate::task::ready;
use crate::unit::Unit;

/// Entries of a list that are looked at in one slice.
const LOOKED_AT: usize = 128;

/// Takes ids that do not count out of the ready lists: from a list that is more than half of them, and from
/// the heads when a claim met too many.
pub fn compact(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let mut more = false;
    let trim = std::mem::take(&mut unit.memory.queue(name).trim);
    for priority in 0..PRIORITIES {
        let stale = settings.stale(priority) as usize;
        if stale == 0 {
            continue;
        }
        let length = unit.keys.llen(name.ready(priority))?;
        if length == 0 {
            // Somebody deleted the list.
            ready::change_stale(unit, name, priority, -(stale as i64))?;
        } else if trim {
            let (_, removed) = discard(unit, name, priority, 0, settings)?;
            unit.memory.queue(name).trim |= removed > 0;
            more |= removed > 0;
        } else if stale * 2 > length {
            pass(unit, name, priority, settings)?;
            more = true;
        }
    }
    Ok(more)
}

/// The next slice of a pass over a list.
fn pass(unit: &mut Unit<'_>, name: &Name, priority: u8, settings: &Settings) -> Answer<()> {
    let slot = usize::from(priority);
    let mut pass = unit.memory.queue(name).passes.get(slot).copied().unwrap_or_default();
    let (seen, removed) = discard(unit, name, priority, pass.at, settings)?;
    pass.found |= removed > 0;
    pass.at += seen - removed;
    if seen < LOOKED_AT {
        if !pass.found {
            // Records were deleted by hand: the stored number stands for nothing in this list.
            let stale = i64::from(settings.stale(priority));
            ready::change_stale(unit, name, priority, -stale)?;
        }
        pass = Pass::default();
    }
    if let Some(stored) = unit.memory.queue(name).passes.get_mut(slot) {
        *stored = pass;
    }
    Ok(())
}

/// Removes the ids that do not count among the next ones from a position on: how many were looked at, how many
/// removed.
fn discard(unit: &mut Unit<'_>, name: &Name, priority: u8, from: usize, settings: &Settings) -> Answer<(usize, usize)> {
    let list = name.ready(priority);
    let ids = unit.keys.lrange(list, i64::try_from(from).unwrap_or(0), LOOKED_AT)?;
    let mut positions = Vec::new();
    let mut stale = 0;
    for (offset, id) in ids.iter().enumerate() {
        let record = ready::look(unit, name, id);
        let counts = record
            .as_ref()
            .is_some_and(|record| ready::counts(record, priority, settings));
        if !counts {
            positions.push(from + offset);
            stale += i64::from(ready::discard(unit, name, id, priority, record)?);
        }
    }
    if !positions.is_empty() {
        unit.keys.lremove(list, &positions)?;
    }
    ready::change_stale(unit, name, priority, -stale)?;
    Ok((ids.len(), positions.len()))
}
