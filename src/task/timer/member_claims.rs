//! Claims that last as long as their member, after the queue may have switched to another service.

use crate::error::Result;
use crate::names::{Id, Index};
use crate::state::queue::{Ended, Loss, Rebase};
use crate::task::handle::{Queue, Task};
use crate::task::header::{TaskState, WITH_MEMBER};
use crate::task::worker;
use crate::time::Steady;

/// Claims that are checked in one slice.
const RESCANNED: usize = 64;

/// Ends the claims whose worker is not a member of the service the queue follows now: nothing else would. They are at
/// the end of the claimed set, so no others are read.
pub(super) fn rescan(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.memory();
    if memory.rebase != Rebase::Done {
        return Ok(false);
    }
    let Some(after) = memory.member_rescan.take() else {
        return Ok(false);
    };
    let after = (Steady::NEVER.0, after.into_vec());
    let index = queue.name.index(Index::Claimed);
    let claims = queue.keys.zwalk(index, Some(&after), false, RESCANNED)?;
    for (_, id) in &claims {
        let lasts = |task: &Task| task.header.state == TaskState::Claimed && task.header.lease == WITH_MEMBER;
        if let Some(task) = queue.read_header(id).filter(lasts)
            && worker::is_gone(queue, task.header.worker)
        {
            let lost = Some(Loss::Member);
            let ended = &mut queue.memory().ended;
            ended.entry(task.header.fence).or_insert(Ended { id: task.id, lost });
        }
    }
    let memory = queue.memory();
    if claims.len() == RESCANNED {
        memory.member_rescan = claims.last().map(|(_, id)| Id::from_slice(id));
    }
    Ok(memory.member_rescan.is_some() || !memory.ended.is_empty())
}
