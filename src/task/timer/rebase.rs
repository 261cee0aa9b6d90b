//! The claimed set after a load or a promotion.

use crate::error::Result;
use crate::names::Index;
use crate::state::queue::{Ended, Held, Loss, Rebase};
use crate::task::handle::{Queue, Task};
use crate::task::header::{TaskState, WITH_MEMBER};
use crate::task::index::{claimed, later};
use crate::task::{kind, worker};
use crate::time::{Ms, Steady};

/// Claims that get the same deadline, so that not all expire in the same slice.
const TOGETHER: i64 = 100;

/// Restarts the lease of every claim after a load or a promotion, as the scores are those of another process. Ends the
/// claims of members that are gone.
pub(super) fn rebase(queue: &mut Queue<'_>) -> Result<bool> {
    let Rebase::Walking(cursor, mut seen) = queue.memory().rebase else {
        return Ok(false);
    };
    let (next, members) = queue.keys.zscan(queue.name.index(Index::Claimed), cursor)?;
    let mut moved: Vec<(Ms, Vec<u8>)> = Vec::with_capacity(members.len());
    let now = queue.context.steady;
    for (_, id) in members {
        let claimed = |task: &Task| task.header.state == TaskState::Claimed;
        let Some(task) = queue.read_header(&id).filter(claimed) else {
            if later::is_later(queue, &id) {
                moved.push((now.after(later::RETRY).0, id));
            } else {
                queue.log_skip("an id in the claimed set that nobody holds");
                moved.push((now.0, id));
            }
            continue;
        };
        let deadline = match task.header.lease() {
            Some(_) => task.header.deadline(now).after(seen / TOGETHER),
            None => Steady::NEVER,
        };
        seen += 1;
        remember(queue, &task);
        moved.push((deadline.0, id));
    }
    if !moved.is_empty() {
        let members: Vec<(Ms, &[u8])> = moved.iter().map(|(score, id)| (*score, id.as_slice())).collect();
        queue.keys.zadd(queue.name.index(Index::Claimed), &members)?;
    }
    let memory = queue.memory();
    if next == 0 {
        memory.rebase = Rebase::Done;
        memory.revoked.clear();
    } else {
        memory.rebase = Rebase::Walking(next, seen);
    }
    Ok(next != 0 || !memory.ended.is_empty())
}

/// Adds a claim to memory, and ends it if its worker is gone.
fn remember(queue: &mut Queue<'_>, task: &Task) {
    let header = &task.header;
    queue.state.saw_fence(header.fence);
    if task.is_cancelled() {
        claimed::note_cancelled(queue, task);
    }
    let outlived = header.lease == WITH_MEMBER && worker::is_gone(queue, header.worker);
    let memory = queue.memory();
    let revoked = memory.revoked(header.worker, header.fence);
    if let Some(lost) = revoked.or(outlived.then_some(Some(Loss::Member))) {
        let id = task.id.clone();
        memory.ended.entry(header.fence).or_insert(Ended { id, lost });
    }
    let is_new = memory.claims.get(header.worker, header.fence).is_none();
    let held = Held {
        id: task.id.clone(),
        connection: None,
    };
    memory.claims.insert(header.worker, header.fence, held);
    if is_new {
        kind::count(queue, task, |kind| kind.running += 1);
    }
}
