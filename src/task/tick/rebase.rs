//! The claimed set after a load or a promotion.

use crate::keyspace::Answer;
use crate::names::{Id, Index, Name};
use crate::queue::{Ended, Held, Loss, Rebase};
use crate::settings::Settings;
use crate::task::record::{CANCELLED, Record, State, WITH_MEMBER};
use crate::task::{cancel, member, ready};
use crate::time::{Ms, Steady};
use crate::unit::Unit;

/// Claims that get the same deadline, so that no later tick has more than its share.
const TOGETHER: i64 = 100;

/// Gives every claim its lease anew after a load or a promotion: the scores are another process's. Claims of members
/// that have gone end.
pub fn rebase(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let Rebase::Walking(cursor, mut met) = unit.memory.queue(name).rebase else {
        return Ok(false);
    };
    let claimed = name.index(Index::Claimed);
    let (next, members) = unit.keys.zscan(claimed, cursor)?;
    let mut moved: Vec<(Ms, Vec<u8>)> = Vec::with_capacity(members.len());
    for (_, id) in members {
        let Some(record) = ready::look(unit, name, &id).filter(|record| record.state == State::Claimed) else {
            unit.memory
                .skip_foreign(name, "an id in the claimed set that nobody holds");
            moved.push((unit.env.steady.0, id));
            continue;
        };
        let deadline = match record.lease() {
            Some(_) => record.deadline(unit.env.steady).after(met / TOGETHER),
            None => Steady::NEVER,
        };
        met += 1;
        note(unit, name, settings, &id, &record);
        moved.push((deadline.0, id));
    }
    if !moved.is_empty() {
        let members: Vec<(Ms, &[u8])> = moved.iter().map(|(score, id)| (*score, id.as_slice())).collect();
        unit.keys.zadd(claimed, &members)?;
    }
    let queue = unit.memory.queue(name);
    if next == 0 {
        queue.rebase = Rebase::Done;
        queue.departed.clear();
    } else {
        queue.rebase = Rebase::Walking(next, met);
    }
    Ok(next != 0 || !queue.ended.is_empty())
}

/// Remembers a claim, and that it has ended when its holder is gone.
fn note(unit: &mut Unit<'_>, name: &Name, settings: &Settings, id: &[u8], record: &Record) {
    unit.saw_fence(record.fence);
    let id = Id::from_slice(id);
    if record.has(CANCELLED) {
        cancel::note(unit, name, &id, record);
    }
    let outlived = record.lease == WITH_MEMBER && member::is_gone(unit, name, &settings.service, record.worker);
    let queue = unit.memory.queue(name);
    let departed = queue.departed(record.worker, record.fence);
    if let Some(lost) = departed.or(outlived.then_some(Some(Loss::Member))) {
        let ended = Ended { id: id.clone(), lost };
        queue.ended.entry(record.fence).or_insert(ended);
    }
    let held = Held { id, connection: None };
    queue.claims.insert(record.worker, record.fence, held);
}
