//! When a worker is gone, the tasks targeted at it are released to everyone.
//!
//! Up to a thousand are released in the transaction in which the worker's membership ends. If there are more, a field
//! of the queue's hash says so, across restarts, until the timer has released all of them; meanwhile a task that moves
//! is released as it does.

use super::{BEFORE_READY, counts, ensure_all_ready_types, worker};
use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::Index;
use crate::settings::RELEASES;
use crate::task::handle::{Queue, Task};
use crate::task::header::TARGETED;
use crate::task::index::ready::{self, End};

/// Tasks that are released in one slice.
const RELEASED: usize = 64;
/// The place before a worker's tasks that are not ready.
const BEFORE_ALL: Scored = (i64::MIN, Vec::new());

/// The worker's membership ended: releases the tasks targeted at it, `most` at most in this transaction, ready ones
/// first. Returns how many. Their fences are smaller than `below`, unless a server with another clock issued them.
pub(crate) fn release(queue: &mut Queue<'_>, worker: &str, below: u64, most: usize) -> Result<usize> {
    // A key of another type has none.
    let there = queue.keys.zcard(queue.name.to(worker)).unwrap_or(0);
    if there == 0 {
        return Ok(0);
    }
    let released = release_first(queue, worker, most);
    if there > most || released.is_err() {
        // Tasks targeted at the worker from now on have larger fences.
        let below = queue.next_fence(below);
        store(queue, worker, Some(below))?;
        queue.wake_now();
    }
    Ok(released.unwrap_or(0))
}

/// Releases so many tasks of the worker, whatever their fences: it has no new ones yet.
fn release_first(queue: &mut Queue<'_>, worker: &str, most: usize) -> Result<usize> {
    ensure_all_ready_types(queue)?;
    let key = queue.name.to(worker);
    let mut members = queue.keys.zwalk(key, Some(&BEFORE_READY), false, most)?;
    let left = most - members.len();
    members.extend(queue.keys.zlowest(key, BEFORE_READY.0 - 1, left)?);
    for (_, id) in &members {
        release_one(queue, worker, id, u64::MAX)?;
    }
    Ok(members.len())
}

/// Releases a slice of the tasks of the first gone worker that still has some. Returns whether there is one.
pub(crate) fn go_on(queue: &mut Queue<'_>) -> Result<bool> {
    let Some((worker, below)) = queue.settings.releases.first().cloned() else {
        return Ok(false);
    };
    ensure_all_ready_types(queue)?;
    let at = queue.memory().release_cursor.take();
    let after = at.filter(|(gone, _)| *gone == worker).map(|(_, after)| after);
    let after = after.unwrap_or(BEFORE_READY);
    let are_ready = after.0 >= BEFORE_READY.0;
    let key = queue.name.to(&worker);
    let mut members = queue.keys.zwalk(key, Some(&after), false, RELEASED).unwrap_or_default();
    if !are_ready {
        members.retain(|(score, _)| *score < BEFORE_READY.0);
    }
    for (_, id) in &members {
        release_one(queue, &worker, id, below)?;
    }
    let next = match members.last() {
        Some(last) if members.len() == RELEASED => Some(last.clone()),
        // Then those that are not ready.
        _ if are_ready => Some(BEFORE_ALL),
        _ => None,
    };
    if next.is_none() {
        store(queue, &worker, None)?;
    }
    queue.memory().release_cursor = next.map(|next| (worker, next));
    Ok(true)
}

/// Releases a task, if it was targeted at the worker before it was gone; a ready one goes to the tail of its list.
fn release_one(queue: &mut Queue<'_>, gone: &str, id: &[u8], below: u64) -> Result<()> {
    if let Some(mut task) = targeted(queue, id)
        && worker(queue, &task).is_some_and(|worker| worker == gone)
    {
        if task.header.fence >= below {
            return Ok(());
        }
        queue.state.saw_fence(task.header.fence);
        let index = queue.name.index(Index::Targeted);
        let ready = counts(queue, &task.header) && queue.keys.zrem(index, &[id])? > 0;
        task.header.flags &= !TARGETED;
        if ready {
            ready::push(queue, &mut task, End::Tail)?;
        }
        queue.write_header(&task)?;
    }
    queue.keys.zrem(queue.name.to(gone), &[id])?;
    Ok(())
}

/// The task of an id, if it is targeted and has not ended for good.
fn targeted(queue: &mut Queue<'_>, id: &[u8]) -> Option<Task> {
    let task = queue.read_header(id)?;
    let header = &task.header;
    let lives = !header.state.is_kept() && queue.has(header);
    (lives && header.has(TARGETED)).then_some(task)
}

/// Stores, or removes, that tasks below a fence are not targeted at the worker any more.
fn store(queue: &mut Queue<'_>, worker: &str, below: Option<u64>) -> Result<()> {
    let field = format!("{RELEASES}{worker}");
    match below {
        Some(below) => {
            let below = below.to_string();
            queue
                .keys
                .hset(queue.name.queue(), &[(field.as_bytes(), below.as_bytes())])?;
        }
        None => queue.keys.hdel(queue.name.queue(), &[field.as_bytes()])?,
    }
    queue.reload_settings()
}
