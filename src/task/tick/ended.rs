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

/// Puts back the tasks of claims whose connection closed or whose client was gone.
pub fn end_claims(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let queue = unit.memory.queue(name);
    // From the last to the first: each goes before the head, so that they stand in claim order again.
    let ended: Vec<Ended> = queue.ended.split_off(queue.ended.len().saturating_sub(ENDED));
    let more = !queue.ended.is_empty();
    for Ended { id, token, lost } in ended.into_iter().rev() {
        let Ok(Some(mut record)) = task::find(unit, name, &id, settings) else {
            continue;
        };
        if record.state != State::Claimed || record.fence != token {
            continue;
        }
        ending::check(unit, name, &id, &record)?;
        if lost {
            unit.keys.zrem(name.index(Index::Claimed), &[&id])?;
            ending::lose(unit, name, &id, &mut record, settings)?;
        } else {
            ending::give_back(unit, name, &id, &mut record, None)?;
        }
    }
    Ok(more)
}
