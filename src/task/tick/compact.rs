//! Ids in the ready lists that do not count.

use crate::keyspace::Answer;
use crate::names::{Name, PRIORITIES};
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
            ready::change_stale(unit, name, priority, -(stale as i64))?;
        } else if trim {
            let trimmed = discard_range(unit, name, priority, 0, settings)?;
            unit.memory.queue(name).trim |= trimmed;
            more |= trimmed;
        } else if stale * 2 > length {
            let from = unit
                .memory
                .queue(name)
                .compacted
                .get(usize::from(priority))
                .copied()
                .unwrap_or(0);
            let from = if from >= length { 0 } else { from };
            discard_range(unit, name, priority, from, settings)?;
            more = true;
        }
    }
    Ok(more)
}

/// Removes the ids that do not count among the next ones from a position on. Whether any of them did not.
fn discard_range(unit: &mut Unit<'_>, name: &Name, priority: u8, from: usize, settings: &Settings) -> Answer<bool> {
    let list = name.ready(priority);
    let ids = unit.keys.lrange(list, i64::try_from(from).unwrap_or(0), LOOKED_AT)?;
    let mut positions = Vec::new();
    let mut stale = 0;
    for (offset, id) in ids.iter().enumerate() {
        let record = ready::look(unit, name, id);
        if record
            .as_ref()
            .is_some_and(|record| ready::counts(record, priority, settings))
        {
            continue;
        }
        positions.push(from + offset);
        stale += i64::from(ready::discard(unit, name, id, priority, record)?);
    }
    let kept = ids.len() - positions.len();
    unit.keys.lremove(list, &positions)?;
    ready::change_stale(unit, name, priority, -stale)?;
    if let Some(compacted) = unit.memory.queue(name).compacted.get_mut(usize::from(priority)) {
        *compacted = from + kept;
    }
    Ok(!positions.is_empty())
}
