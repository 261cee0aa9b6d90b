//! The claims of members that went.

use std::collections::BTreeSet;

use crate::keyspace::Answer;
use crate::names::Name;
use crate::presence::Gone;
use crate::queue::Loss;
use crate::task::serve;
use crate::task::tick::ended;
use crate::unit::Unit;

/// Claims that end in the unit in which their members went; the tick puts back the others.
const MOST: usize = 1_000;

/// Ends the claims of the members that went in this unit, in every queue that follows their service. All of them
/// are fenced; the latest are put back at once.
pub fn settle(unit: &mut Unit<'_>) {
    if unit.memory.presence.gone.is_empty() {
        return;
    }
    let mut queues = BTreeSet::new();
    for gone in std::mem::take(&mut unit.memory.presence.gone) {
        for queue in unit.memory.presence.followers(&gone.service) {
            match fence(unit, &queue, &gone) {
                Ok(true) => {
                    queues.insert(queue);
                }
                Ok(false) => {}
                Err(error) => complain(unit, &queue, &error.to_string()),
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

/// Fences the member's claims in a queue, if that follows the service. Whether there are any.
fn fence(unit: &mut Unit<'_>, queue: &Name, gone: &Gone) -> Answer<bool> {
    if unit.memory.known_queue(queue).is_none() || super::service(unit, queue)? != gone.service {
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
