//! Claims that last as long as their member, when the queue may follow another service than before.

use crate::keyspace::Answer;
use crate::names::{Id, Index, Name};
use crate::queue::{Ended, Loss, Rebase};
use crate::settings::Settings;
use crate::task::record::{State, WITH_MEMBER};
use crate::task::{member, ready};
use crate::time::Steady;
use crate::unit::Unit;

/// Claims that are looked at in one slice.
const LOOKED_AT: usize = 64;

/// Ends the claims whose worker is no member of the service the queue follows now: nothing else would. They stand
/// last in the claimed set, so no others are looked at.
pub fn recheck(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let queue = unit.memory.queue(name);
    if queue.rebase != Rebase::Done {
        return Ok(false);
    }
    let Some(after) = queue.recheck.take() else {
        return Ok(false);
    };
    let after = (Steady::NEVER.0, after.into_vec());
    let claims = unit
        .keys
        .zwalk(name.index(Index::Claimed), Some(&after), false, LOOKED_AT)?;
    for (_, id) in &claims {
        let record = ready::look(unit, name, id);
        let record = record.filter(|record| record.state == State::Claimed && record.lease == WITH_MEMBER);
        if let Some(record) = record
            && member::is_gone(unit, name, &settings.service, record.worker)
        {
            let id = Id::from_slice(id);
            let ended = &mut unit.memory.queue(name).ended;
            let lost = Some(Loss::Member);
            ended.entry(record.fence).or_insert(Ended { id, lost });
        }
    }
    let queue = unit.memory.queue(name);
    if claims.len() == LOOKED_AT {
        queue.recheck = claims.last().map(|(_, id)| Id::from_slice(id));
    }
    Ok(queue.recheck.is_some() || !queue.ended.is_empty())
}
