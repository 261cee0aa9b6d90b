//! The claims of members that went, and the tasks that were for them alone.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::membership::services::Gone;
use crate::names::Name;
use crate::state::queue::Loss;
use crate::task;
use crate::task::dispatch::serve;
use crate::task::index::targeted;
use crate::task::timer::ended;
use crate::tx::Tx;

/// Claims that end, and tasks that become everyone's, in the transaction in which their members went; the tick deals with the
/// others.
const MOST: usize = 1_000;

/// Ends the claims of the members that went in this transaction, in every queue that follows their service. All of them
/// are fenced; the latest are put back at once. What was for one of them alone is for everyone before.
pub(crate) fn settle(tx: &mut Tx<'_>) {
    if tx.state.services.gone.is_empty() {
        return;
    }
    let mut queues = BTreeSet::new();
    let mut left = MOST;
    for gone in std::mem::take(&mut tx.state.services.gone) {
        for queue in tx.state.services.followers(&gone.service) {
            let fenced = fence(tx, &queue, &gone);
            let voided = orphan(tx, &queue, &gone, left).map(|count| {
                left -= count;
                count > 0
            });
            for touched in [fenced, voided] {
                match touched {
                    Ok(true) => {
                        queues.insert(queue.clone());
                    }
                    Ok(false) => {}
                    Err(error) => complain(tx, &queue, &error.to_string()),
                }
            }
        }
    }
    let mut left = MOST;
    for queue in &queues {
        let back = task::settings(tx, queue).and_then(|settings| ended::put_back(tx, queue, &settings, left));
        match back {
            Ok(count) => left = left.saturating_sub(count),
            Err(error) => complain(tx, queue, &error.to_string()),
        }
        if !tx.state.queue(queue).ended.is_empty() {
            tx.state.wakeups.now(queue);
        }
    }
    for queue in &queues {
        serve::serve(tx, queue);
    }
}

/// Whether the queue's workers are the members of that service.
fn follows(tx: &mut Tx<'_>, queue: &Name, service: &Name) -> Result<bool> {
    Ok(tx.state.known_queue(queue).is_some() && task::service(tx, queue)? == *service)
}

/// What was for the member alone in a queue, if that follows the service, is for everyone, so many tasks at most in
/// this transaction. Another process of its name keeps it. Replies how many.
fn orphan(tx: &mut Tx<'_>, queue: &Name, gone: &Gone, most: usize) -> Result<usize> {
    let is_back = tx.state.services.member(&gone.service, &gone.member).is_some();
    if is_back || !follows(tx, queue, &gone.service)? {
        return Ok(0);
    }
    targeted::untarget::orphan(tx, queue, &gone.member, gone.below, most)
}

/// Fences the member's claims in a queue, if that follows the service. Whether there are any.
fn fence(tx: &mut Tx<'_>, queue: &Name, gone: &Gone) -> Result<bool> {
    if !follows(tx, queue, &gone.service)? {
        return Ok(false);
    }
    let Some(number) = task::worker_numbers(tx, queue)?.number(&gone.member) else {
        return Ok(false);
    };
    let queue = tx.state.queue(queue);
    queue.fence(number, gone.below, gone.lost.then_some(Loss::Member));
    Ok(!queue.ended.is_empty())
}

fn complain(tx: &mut Tx<'_>, queue: &Name, error: &str) {
    tx.state
        .skip_foreign(queue, &format!("the claims of a member that went: {error}"));
}
