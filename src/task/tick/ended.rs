//! Claims that ended without a command of their holder.

use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::queue::Ended;
use crate::settings::Settings;
use crate::task::record::State;
use crate::task::{self, ending};
use crate::unit::Unit;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Puts back the tasks of claims whose connection closed, whose client was gone or whose member went.
pub fn end_claims(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    put_back(unit, name, settings, ENDED)?;
    Ok(!unit.memory.queue(name).ended.is_empty())
}

/// Puts back the tasks of the latest claims that ended, so many at most; replies how many. The caller serves.
pub fn put_back(unit: &mut Unit<'_>, name: &Name, settings: &Settings, most: usize) -> Answer<usize> {
    // From the last to the first: each goes before the head, so that they stand in claim order again.
    let latest = unit.memory.queue(name).ended.iter().rev().take(most);
    let latest: Vec<(u64, Ended)> = latest.map(|(token, ended)| (*token, ended.clone())).collect();
    let claimed = name.index(Index::Claimed);
    let mut over: Vec<&[u8]> = Vec::with_capacity(latest.len());
    let mut claims = Vec::with_capacity(latest.len());
    for (token, Ended { id, lost }) in &latest {
        match task::find(unit, name, id, settings) {
            Ok(Some(record)) if record.state == State::Claimed && record.fence == *token => {
                ending::check(unit, name, id, &record, settings)?;
                over.push(id);
                claims.push((id, *lost, record));
            }
            // Its record was deleted by hand: it must not count as claimed for ever.
            Ok(None) if unit.keys.zscore(claimed, id).unwrap_or(None).is_some() => over.push(id),
            _ => {}
        }
    }
    if !over.is_empty() {
        unit.keys.zrem(claimed, &over)?;
    }
    for (id, lost, mut record) in claims {
        match lost {
            Some(why) => ending::lose(unit, name, id, &mut record, why, settings)?,
            None => ending::give_back(unit, name, id, &mut record, None, settings)?,
        };
    }
    let queue = unit.memory.queue(name);
    for (token, _) in &latest {
        queue.ended.remove(token);
    }
    Ok(latest.len())
}
