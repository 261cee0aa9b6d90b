//! The worker that a task is for is gone: the task is for everyone.
//!
//! In the moment in which the worker's membership ends its address is void in up to a thousand tasks. Should there be
//! more, a field of the queue's hash says so until the tick has come to all of them, over every restart; meanwhile a
//! task whose place changes is for everyone from then on.

use super::{BEFORE_READY, counts, worker};
use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, Name};
use crate::settings::{ORPHANED, QueueSettings};
use crate::task;
use crate::task::header::{ADDRESSED, Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::tx::Tx;

/// Tasks that become everyone's in one slice.
const VOIDED: usize = 64;
/// What stands before a worker's tasks that are not ready.
const BEFORE_ALL: Scored = (i64::MIN, Vec::new());

/// The worker's membership ended: its tasks, whose fences are smaller than `below` unless another server with another
/// clock gave them, are everyone's. So many at most in this transaction, those that are ready first; replies how many. The
/// caller serves.
pub(crate) fn orphan(tx: &mut Tx<'_>, name: &Name, worker: &str, below: u64, most: usize) -> Result<usize> {
    // In a key of another type there is nothing.
    let there = tx.keys.zcard(name.to(worker)).unwrap_or(0);
    if there == 0 {
        return Ok(0);
    }
    let voided = void_first(tx, name, worker, most);
    if there > most || voided.is_err() {
        // What is given to the worker from now on has a larger fence.
        let below = tx.next_fence(below);
        note(tx, name, worker, Some(below))?;
        tx.state.wakeups.now(name);
    }
    Ok(voided.unwrap_or(0))
}

/// So many tasks of the worker are everyone's, whatever their fences: nobody else was given any yet.
fn void_first(tx: &mut Tx<'_>, name: &Name, worker: &str, most: usize) -> Result<usize> {
    ready::ensure_types_all(tx, name)?;
    let settings = task::settings(tx, name)?;
    let key = name.to(worker);
    let mut members = tx.keys.zwalk(key, Some(&BEFORE_READY), false, most)?;
    let left = most - members.len();
    members.extend(tx.keys.zlowest(key, BEFORE_READY.0 - 1, left)?);
    for (_, id) in &members {
        void(tx, name, worker, id, u64::MAX, &settings)?;
    }
    Ok(members.len())
}

/// A slice of what is left of the first worker of those that went. Whether there is more.
pub(crate) fn go_on(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let Some((worker, below)) = settings.orphaned.first() else {
        return Ok(false);
    };
    ready::ensure_types_all(tx, name)?;
    let at = tx.state.queue(name).orphans.take();
    let after = at.filter(|(gone, _)| gone == worker).map(|(_, after)| after);
    let after = after.unwrap_or(BEFORE_READY);
    let key = name.to(worker);
    let are_ready = after.0 >= BEFORE_READY.0;
    let mut members = tx.keys.zwalk(key, Some(&after), false, VOIDED).unwrap_or_default();
    if !are_ready {
        members.retain(|(score, _)| *score < BEFORE_READY.0);
    }
    for (_, id) in &members {
        void(tx, name, worker, id, *below, settings)?;
    }
    let next = match members.last() {
        Some(last) if members.len() == VOIDED => Some(last.clone()),
        // Then those that are not ready.
        _ if are_ready => Some(BEFORE_ALL),
        _ => None,
    };
    if next.is_none() {
        note(tx, name, worker, None)?;
    }
    tx.state.queue(name).orphans = next.map(|next| (worker.clone(), next));
    Ok(true)
}

/// A task is for everyone, if it was given to the worker before; at its due place in its list if it is ready.
fn void(tx: &mut Tx<'_>, name: &Name, gone: &str, id: &[u8], below: u64, settings: &QueueSettings) -> Result<()> {
    let lives = |record: &Record| {
        !matches!(record.state, TaskState::Done | TaskState::Removed)
            && record.has(ADDRESSED)
            && task::exists(record, settings)
    };
    if let Some(mut record) = ready::look(tx, name, id).filter(lives)
        && worker(tx, name, id, &record).is_some_and(|worker| worker == gone)
    {
        if record.fence >= below {
            return Ok(());
        }
        tx.saw_fence(record.fence);
        let ready = counts(&record, settings) && tx.keys.zrem(name.index(Index::Targeted), &[id])? > 0;
        record.flags &= !ADDRESSED;
        if ready {
            ready::push(tx, name, id, &mut record, End::Tail)?;
        }
        tx.keys.set_start(name.task(id), &record.write())?;
    }
    tx.keys.zrem(name.to(gone), &[id])?;
    Ok(())
}

/// Stores, or forgets, that tasks below a fence are not the worker's any more.
fn note(tx: &mut Tx<'_>, name: &Name, worker: &str, below: Option<u64>) -> Result<()> {
    let field = format!("{ORPHANED}{worker}");
    match below {
        Some(below) => {
            let below = below.to_string();
            tx.keys.hset(name.queue(), &[(field.as_bytes(), below.as_bytes())])?;
        }
        None => tx.keys.hdel(name.queue(), &[field.as_bytes()])?,
    }
    tx.state.queue(name).settings = None;
    Ok(())
}
