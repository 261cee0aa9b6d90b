//! Claims that last as long as their member, when the queue may follow another service than before.

use crate::error::Result;
use crate::names::{Id, Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::{Ended, Loss, Rebase};
use crate::task::header::{TaskState, WITH_MEMBER};
use crate::task::index::ready;
use crate::task::worker;
use crate::time::Steady;
use crate::tx::Tx;

/// Claims that are looked at in one slice.
const LOOKED_AT: usize = 64;

/// Ends the claims whose worker is no member of the service the queue follows now: nothing else would. They stand
/// last in the claimed set, so no others are looked at.
pub(super) fn recheck(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let queue = tx.state.queue(name);
    if queue.rebase != Rebase::Done {
        return Ok(false);
    }
    let Some(after) = queue.recheck.take() else {
        return Ok(false);
    };
    let after = (Steady::NEVER.0, after.into_vec());
    let claims = tx
        .keys
        .zwalk(name.index(Index::Claimed), Some(&after), false, LOOKED_AT)?;
    for (_, id) in &claims {
        let record = ready::look(tx, name, id);
        let record = record.filter(|record| record.state == TaskState::Claimed && record.lease == WITH_MEMBER);
        if let Some(record) = record
            && worker::is_gone(tx, name, &settings.service, record.worker)
        {
            let id = Id::from_slice(id);
            let ended = &mut tx.state.queue(name).ended;
            let lost = Some(Loss::Member);
            ended.entry(record.fence).or_insert(Ended { id, lost });
        }
    }
    let queue = tx.state.queue(name);
    if claims.len() == LOOKED_AT {
        queue.recheck = claims.last().map(|(_, id)| Id::from_slice(id));
    }
    Ok(queue.recheck.is_some() || !queue.ended.is_empty())
}
