//! The claimed set after a load or a promotion.

use crate::error::Result;
use crate::names::{Id, Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::{Ended, Held, Loss, Rebase};
use crate::task::commands::cancel;
use crate::task::header::{CANCELLED, Record, TaskState, WITH_MEMBER};
use crate::task::index::ready;
use crate::task::worker;
use crate::time::{Ms, Steady};
use crate::tx::Tx;

/// Claims that get the same deadline, so that no later tick has more than its share.
const TOGETHER: i64 = 100;

/// Gives every claim its lease anew after a load or a promotion: the scores are another process's. Claims of members
/// that have gone end.
pub(super) fn rebase(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let Rebase::Walking(cursor, mut met) = tx.state.queue(name).rebase else {
        return Ok(false);
    };
    let claimed = name.index(Index::Claimed);
    let (next, members) = tx.keys.zscan(claimed, cursor)?;
    let mut moved: Vec<(Ms, Vec<u8>)> = Vec::with_capacity(members.len());
    for (_, id) in members {
        let Some(record) = ready::look(tx, name, &id).filter(|record| record.state == TaskState::Claimed) else {
            tx.state
                .skip_foreign(name, "an id in the claimed set that nobody holds");
            moved.push((tx.context.steady.0, id));
            continue;
        };
        let deadline = match record.lease() {
            Some(_) => record.deadline(tx.context.steady).after(met / TOGETHER),
            None => Steady::NEVER,
        };
        met += 1;
        note(tx, name, settings, &id, &record);
        moved.push((deadline.0, id));
    }
    if !moved.is_empty() {
        let members: Vec<(Ms, &[u8])> = moved.iter().map(|(score, id)| (*score, id.as_slice())).collect();
        tx.keys.zadd(claimed, &members)?;
    }
    let queue = tx.state.queue(name);
    if next == 0 {
        queue.rebase = Rebase::Done;
        queue.departed.clear();
    } else {
        queue.rebase = Rebase::Walking(next, met);
    }
    Ok(next != 0 || !queue.ended.is_empty())
}

/// Remembers a claim, and that it has ended when its holder is gone.
fn note(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings, id: &[u8], record: &Record) {
    tx.saw_fence(record.fence);
    let id = Id::from_slice(id);
    if record.has(CANCELLED) {
        cancel::note(tx, name, &id, record);
    }
    let outlived = record.lease == WITH_MEMBER && worker::is_gone(tx, name, &settings.service, record.worker);
    let queue = tx.state.queue(name);
    let departed = queue.departed(record.worker, record.fence);
    if let Some(lost) = departed.or(outlived.then_some(Some(Loss::Member))) {
        let ended = Ended { id: id.clone(), lost };
        queue.ended.entry(record.fence).or_insert(ended);
    }
    let held = Held { id, connection: None };
    queue.claims.insert(record.worker, record.fence, held);
}
