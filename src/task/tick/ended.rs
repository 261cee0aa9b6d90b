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
    let mut claims = Vec::with_capacity(latest.len());
    for (token, Ended { id, lost }) in &latest {
        let Ok(Some(record)) = task::find(unit, name, id, settings) else {
            continue;
        };
        if record.state == State::Claimed && record.fence == *token {
            ending::check(unit, name, id, &record, settings)?;
            claims.push((id, *lost, record));
        }
    }
    if !claims.is_empty() {
        let ids: Vec<&[u8]> = claims.iter().map(|(id, ..)| id.as_slice()).collect();
        unit.keys.zrem(name.index(Index::Claimed), &ids)?;
    }
    for (id, lost, mut record) in claims {
        match lost {
            Some(why) => ending::lose(unit, name, id, &mut record, why, settings)?,
            None => ending::give_back(unit, name, id, &mut record, None)?,
        };
    }
    let queue = unit.memory.queue(name);
    for (token, _) in &latest {
        queue.ended.remove(token);
    }
    Ok(latest.len())
}
