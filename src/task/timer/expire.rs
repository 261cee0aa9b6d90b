//! Leases that ran out.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::Index;
use crate::state::queue::{Loss, Rebase};
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::later;
use crate::task::lifecycle;
use crate::time::Steady;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Ends the claims whose lease ran out, unless expiry is delayed by a stall or a freeze.
pub(super) fn expire(queue: &mut Queue<'_>) -> Result<bool> {
    if queue.memory().rebase != Rebase::Done {
        return Ok(false);
    }
    let over = overdue(queue)?;
    let mut lost: Vec<Task> = Vec::new();
    let mut ended: Vec<&[u8]> = Vec::new();
    let mut unreadable: Vec<&[u8]> = Vec::new();
    for (deadline, id) in &over {
        match queue.find(id) {
            Ok(Some(task)) if task.header.state == TaskState::Claimed => {
                let (now, deadline) = (queue.context.steady, Steady(*deadline));
                if queue.state.stalls.may_expire(now, deadline, task.header.lease) {
                    lifecycle::ensure_end_types(queue, &task)?;
                    ended.push(id);
                    lost.push(task);
                }
            }
            Err(_) if later::is_later(queue, id) => unreadable.push(id),
            _ => {
                queue.log_skip("an id in the claimed set that nobody holds");
                ended.push(id);
            }
        }
    }
    later::postpone_claims(queue, &unreadable)?;
    if ended.is_empty() {
        return Ok(false);
    }
    queue.keys.zrem(queue.name.index(Index::Claimed), &ended)?;
    // The latest first: each goes before the head.
    lost.sort_by_key(|task| std::cmp::Reverse(task.header.fence));
    for task in &mut lost {
        lifecycle::lose(queue, task, Loss::Lease)?;
    }
    Ok(over.len() == ENDED)
}

fn overdue(queue: &mut Queue<'_>) -> Result<Vec<Scored>> {
    let claimed = queue.name.index(Index::Claimed);
    let now = queue.context.steady;
    if queue.state.stalls.until(now).is_some() {
        // Those that were extended longest may expire first.
        return queue.keys.zlowest(claimed, now.0, ENDED);
    }
    // The latest first: each slice goes before the head, so that all end up in claim order.
    let later = (now.0.saturating_add(1), Vec::new());
    queue.keys.zwalk(claimed, Some(&later), true, ENDED)
}
