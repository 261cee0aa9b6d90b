//! Leases that ran out.

use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::queue::{Loss, Rebase};
use crate::settings::Settings;
use crate::task::record::{Record, State};
use crate::task::{self, ending};
use crate::time::Steady;
use crate::unit::Unit;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Takes back the claims whose lease ran out, unless a stall or a freeze holds them.
pub fn expire(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if unit.memory.queue(name).rebase != Rebase::Done {
        return Ok(false);
    }
    let claimed = name.index(Index::Claimed);
    let now = unit.env.steady;
    let over = if unit.memory.holds.until(now).is_some() {
        // Those that are held longest already are the first that may go.
        unit.keys.zlowest(claimed, now.0, ENDED)?
    } else {
        // The latest first: each slice goes before the head, so that all end up in claim order.
        let later = (now.0.saturating_add(1), Vec::new());
        unit.keys.zwalk(claimed, Some(&later), true, ENDED)?
    };
    let mut lost: Vec<(Vec<u8>, Record)> = Vec::new();
    let mut gone: Vec<Vec<u8>> = Vec::new();
    for (deadline, id) in &over {
        match task::find(unit, name, id, settings) {
            Ok(Some(record)) if record.state == State::Claimed => {
                let held = !unit.memory.holds.may_expire(now, Steady(*deadline), record.lease);
                if !held {
                    ending::check(unit, name, id, &record, settings)?;
                    lost.push((id.clone(), record));
                }
            }
            _ => {
                unit.memory
                    .skip_foreign(name, "an id in the claimed set that nobody holds");
                gone.push(id.clone());
            }
        }
    }
    let ended: Vec<&[u8]> = lost
        .iter()
        .map(|(id, _)| id.as_slice())
        .chain(gone.iter().map(Vec::as_slice))
        .collect();
    if ended.is_empty() {
        return Ok(false);
    }
    unit.keys.zrem(claimed, &ended)?;
    // From the last to the first: each goes before the head.
    lost.sort_by_key(|(_, record)| std::cmp::Reverse(record.fence));
    for (id, record) in &mut lost {
        ending::lose(unit, name, id, record, Loss::Lease, settings)?;
    }
    Ok(over.len() == ENDED)
}
