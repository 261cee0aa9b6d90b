//! Members that are gone: their claims, and the tasks targeted at them.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::membership::services::Gone;
use crate::names::{Index, Name};
use crate::state::queue::{Ended, Loss};
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::targeted;
use crate::task::lifecycle;
use crate::tx::Tx;

/// Claims that end, and targeted tasks that are released, in the transaction in which their members go; the timer deals
/// with the rest.
const REVOKED: usize = 1_000;

/// Ends the claims of members that are gone since this transaction, in every queue that follows their service: all are
/// fenced, and the latest are put back at once. Tasks targeted at those members are released first.
pub(crate) fn revoke_claims(tx: &mut Tx<'_>) {
    if tx.state.services.gone.is_empty() {
        return;
    }
    let mut names = BTreeSet::new();
    let mut left = REVOKED;
    for gone in std::mem::take(&mut tx.state.services.gone) {
        for name in concerned(tx, &gone) {
            match revoke(tx, &name, &gone, &mut left) {
                Ok(true) => _ = names.insert(name),
                Ok(false) => {}
                Err(error) => log_skip(tx, &name, &error.to_string()),
            }
        }
    }
    let mut left = REVOKED;
    for name in names {
        let put_back = Queue::open(tx, name.clone()).and_then(|mut queue| {
            let count = put_back(&mut queue, left)?;
            queue.serve_waiters();
            Ok(count)
        });
        match put_back {
            Ok(count) => left = left.saturating_sub(count),
            Err(error) => log_skip(tx, &name, &error.to_string()),
        }
        if !tx.state.queue(&name).ended.is_empty() {
            tx.state.names.wake_now(&name);
        }
    }
}

/// The queues in which a member may have claims or tasks that are targeted at it: those in memory, as claims keep a
/// queue there, and others with a key of the latter.
fn concerned(tx: &mut Tx<'_>, gone: &Gone) -> Vec<Name> {
    let Tx { state, keys, .. } = tx;
    let mut is_concerned = |name: &Name| {
        state.known_queue(name).is_some() || state.may_have_tasks(name) && keys.exists(name.to(&gone.member))
    };
    let followers = state.services.followers(&gone.service);
    followers.filter(|name| is_concerned(name)).cloned().collect()
}

/// Fences the claims of a member in a queue, and releases the tasks targeted at it. Returns whether there were any.
fn revoke(tx: &mut Tx<'_>, name: &Name, gone: &Gone, left: &mut usize) -> Result<bool> {
    // A new process of the same name keeps the tasks targeted at that name.
    let is_back = tx.state.services.member(&gone.service, &gone.member).is_some();
    let mut queue = Queue::open(tx, name.clone())?;
    if queue.settings.service != gone.service {
        return Ok(false);
    }
    let fenced = fence(&mut queue, gone);
    let mut released = Ok(0);
    if !is_back {
        released = targeted::release::release(&mut queue, &gone.member, gone.below, *left);
    }
    *left -= released.as_ref().unwrap_or(&0);
    // A key of another type may stop one of the two, but not the other.
    let any = matches!(fenced, Ok(true)) || matches!(released, Ok(1..));
    match fenced.and(released) {
        Err(error) if !any => Err(error),
        Err(error) => {
            log_skip(tx, name, &error.to_string());
            Ok(true)
        }
        Ok(_) => Ok(any),
    }
}

/// Fences the member's claims. Whether there are any.
fn fence(queue: &mut Queue<'_>, gone: &Gone) -> Result<bool> {
    let Some(number) = queue.worker_numbers()?.number(&gone.member) else {
        return Ok(false);
    };
    let memory = queue.memory();
    memory.fence(number, gone.below, gone.lost.then_some(Loss::Member));
    Ok(!memory.ended.is_empty())
}

/// Puts back the tasks of the latest claims that ended without a command of their worker, so many at most. Returns how
/// many.
pub(crate) fn put_back(queue: &mut Queue<'_>, most: usize) -> Result<usize> {
    // The latest first: each goes before the head, so that they end up in claim order.
    let latest = queue.memory().ended.iter().rev().take(most);
    let latest: Vec<(u64, Ended)> = latest.map(|(token, ended)| (*token, ended.clone())).collect();
    let mut over: Vec<&[u8]> = Vec::with_capacity(latest.len());
    let mut claims: Vec<(Task, Option<Loss>)> = Vec::with_capacity(latest.len());
    for (token, Ended { id, lost }) in &latest {
        match queue.find(id) {
            Ok(Some(task)) if task.header.state == TaskState::Claimed && task.header.fence == *token => {
                lifecycle::ensure_end_types(queue, &task)?;
                over.push(id);
                claims.push((task, *lost));
            }
            // Its record was deleted by hand: its id must not count as claimed for ever.
            Ok(None) => {
                let claimed = queue.name.index(Index::Claimed);
                if queue.keys.zscore(claimed, id).unwrap_or(None).is_some() {
                    over.push(id);
                }
            }
            _ => {}
        }
    }
    if !over.is_empty() {
        queue.keys.zrem(queue.name.index(Index::Claimed), &over)?;
    }
    for (task, lost) in &mut claims {
        match lost {
            Some(why) => lifecycle::lose(queue, task, *why)?,
            None => lifecycle::release(queue, task, None)?,
        };
    }
    let memory = queue.memory();
    for (token, _) in &latest {
        memory.ended.remove(token);
    }
    Ok(latest.len())
}

fn log_skip(tx: &mut Tx<'_>, name: &Name, error: &str) {
    tx.state
        .log_skip(name, &format!("the claims of a member that went: {error}"));
}
