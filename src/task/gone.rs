//! The claims of members that went, and the tasks that were for them alone.

use std::collections::BTreeSet;

use crate::keyspace::Answer;
use crate::names::Name;
use crate::presence::Gone;
use crate::queue::Loss;
use crate::task::tick::ended;
use crate::task::{addressed, serve};
use crate::unit::Unit;

/// Claims that end, and tasks that become everyone's, in the unit in which their members went; the tick deals with the
/// others.
const MOST: usize = 1_000;

/// Ends the claims of the members that went in this unit, in every queue that follows their service. All of them
/// are fenced; the latest are put back at once. What was for one of them alone is for everyone before.
pub fn settle(unit: &mut Unit<'_>) {
    if unit.memory.presence.gone.is_empty() {
        return;
    }
    let mut queues = BTreeSet::new();
    let mut left = MOST;
    for gone in std::mem::take(&mut unit.memory.presence.gone) {
        for queue in unit.memory.presence.followers(&gone.service) {
            let fenced = fence(unit, &queue, &gone);
            let voided = orphan(unit, &queue, &gone, left).map(|count| {
                left -= count;
                count > 0
            });
            for touched in [fenced, voided] {
                match touched {
                    Ok(true) => {
                        queues.insert(queue.clone());
                    }
                    Ok(false) => {}
                    Err(error) => complain(unit, &queue, &error.to_string()),
                }
            }
        }
    }
    let mut left = MOST;
    for queue in &queues {
        let back = super::settings(unit, queue).and_then(|settings| ended::put_back(unit, queue, &settings, left));
        match back {
            Ok(count) => left = left.saturating_sub(count),
            Err(error) => complain(unit, queue, &error.to_string()),
        }
        if !unit.memory.queue(queue).ended.is_empty() {
            unit.memory.agenda.now(queue);
        }
    }
    for queue in &queues {
        serve::serve(unit, queue);
    }
}

/// Whether the queue's workers are the members of that service.
fn follows(unit: &mut Unit<'_>, queue: &Name, service: &Name) -> Answer<bool> {
    Ok(unit.memory.known_queue(queue).is_some() && super::service(unit, queue)? == *service)
}

/// What was for the member alone in a queue, if that follows the service, is for everyone, so many tasks at most in
/// this unit. Another process of its name keeps it. Replies how many.
fn orphan(unit: &mut Unit<'_>, queue: &Name, gone: &Gone, most: usize) -> Answer<usize> {
    let is_back = unit.memory.presence.member(&gone.service, &gone.member).is_some();
    if is_back || !follows(unit, queue, &gone.service)? {
        return Ok(0);
    }
    addressed::void::orphan(unit, queue, &gone.member, gone.below, most)
}

/// Fences the member's claims in a queue, if that follows the service. Whether there are any.
fn fence(unit: &mut Unit<'_>, queue: &Name, gone: &Gone) -> Answer<bool> {
    if !follows(unit, queue, &gone.service)? {
        return Ok(false);
    }
    let Some(number) = super::worker_numbers(unit, queue)?.number(&gone.member) else {
        return Ok(false);
    };
    let queue = unit.memory.queue(queue);
    queue.fence(number, gone.below, gone.lost.then_some(Loss::Member));
    Ok(!queue.ended.is_empty())
}

fn complain(unit: &mut Unit<'_>, queue: &Name, error: &str) {
    unit.memory
        .skip_foreign(queue, &format!("the claims of a member that went: {error}"));
}
