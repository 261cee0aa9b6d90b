//! The claimed set after a load or a promotion.

use crate::keyspace::Answer;
use crate::names::{Id, Index, Name};
use crate::queue::{Held, Rebase};
use crate::settings::Settings;
use crate::task::ready;
use crate::task::record::State;
use crate::time::Ms;
use crate::unit::Unit;

/// Claims that get the same deadline, so that no later tick has more than its share.
const TOGETHER: i64 = 100;

/// Gives every claim its lease anew after a load or a promotion: the scores are another process's.
pub fn rebase(unit: &mut Unit<'_>, name: &Name, _: &Settings) -> Answer<bool> {
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
        let deadline = unit.env.steady.after(record.lease + met / TOGETHER);
        met += 1;
        let held = Held {
            id: Id::from_slice(&id),
            connection: None,
        };
        unit.memory.queue(name).claims.insert(record.worker, record.fence, held);
        moved.push((deadline.0, id));
    }
    if !moved.is_empty() {
        let members: Vec<(Ms, &[u8])> = moved.iter().map(|(score, id)| (*score, id.as_slice())).collect();
        unit.keys.zadd(claimed, &members)?;
    }
    let queue = unit.memory.queue(name);
    queue.rebase = if next == 0 {
        Rebase::Done
    } else {
        Rebase::Walking(next, met)
    };
    Ok(next != 0)
}
