//! TO: a task that only one worker may claim, until that worker's membership ends.
//!
//! A ready targeted task is in no ready list but in `task:{q}:targeted`. `task:{q}:to:<worker>` has all tasks targeted
//! at that worker that are not done: the ready ones in the order in which it gets them, the others before them, so that
//! neither a claim nor the end of its membership has to search. A flag of the header says that the task is still
//! targeted; without it a task is like any other.

mod claim;
pub(crate) mod release;

pub(crate) use claim::OwnTasks;

use std::collections::BTreeSet;

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES};
use crate::task::handle::{Queue, Task};
use crate::task::header::{Header, TARGETED, TaskState};
use crate::task::index::later;
use crate::task::index::ready::{self, End};
use crate::time::{Ms, Wall};

/// Score of a worker's tasks that are not ready.
const NOT_READY: Ms = -1;
/// The ready ones of a priority begin with this score times the priority: no moment is larger.
const PRIORITY: Ms = 1 << 43;
/// Ids at the head of a ready list among which the oldest task is searched.
const HEADS: usize = 16;
/// The place before all that are ready.
const BEFORE_READY: Scored = (0, Vec::new());
/// Ready tasks that are checked in one slice.
const RESCANNED: usize = 64;

/// The worker a task was targeted at; none if somebody deleted its options.
pub(crate) fn worker(queue: &mut Queue<'_>, task: &Task) -> Option<String> {
    if !task.header.has(TARGETED) {
        return None;
    }
    task.options(queue).to.clone()
}

/// The worker a task is still targeted at: none once the membership of that worker has ended.
pub(crate) fn target(queue: &mut Queue<'_>, task: &Task) -> Option<String> {
    worker(queue, task).filter(|worker| !queue.settings.is_released(worker, task.header.fence))
}

/// Errors with `WrongType` unless the keys of a new task for this worker have the right types.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, worker: &str) -> Result<()> {
    queue.keys.ensure_type(queue.name.to(worker))?;
    ensure_ready_types(queue)
}

/// Errors with `WrongType` unless the set of ready targeted tasks may be written.
pub(crate) fn ensure_ready_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Targeted))
}

/// Errors with `WrongType` unless all keys in which a ready task may be have the right types.
pub(crate) fn ensure_all_ready_types(queue: &mut Queue<'_>) -> Result<()> {
    ensure_ready_types(queue)?;
    ready::ensure_all_types(queue)
}

/// Adds a task that is not ready to those of its worker.
pub(crate) fn join(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    match worker(queue, task) {
        Some(worker) => queue.keys.zadd(queue.name.to(&worker), &[(NOT_READY, &task.id)]),
        None => Ok(()),
    }
}

/// Makes a waiting task ready for its worker alone. Returns `false` if it is not targeted any more: its flag is
/// cleared, and the caller puts it in its ready list.
pub(crate) fn push(queue: &mut Queue<'_>, task: &mut Task) -> Result<bool> {
    let Some(worker) = confirm(queue, task)? else {
        return Ok(false);
    };
    let due = task.header.due.0;
    queue.keys.zadd(queue.name.index(Index::Targeted), &[(due, &task.id)])?;
    queue
        .keys
        .zadd(queue.name.to(&worker), &[(score(&task.header), &task.id)])?;
    serve_worker(queue, worker);
    Ok(true)
}

/// Makes a waiting task ready: for its worker alone if it is targeted, else in the list of its priority.
pub(crate) fn push_ready(queue: &mut Queue<'_>, task: &mut Task, end: End) -> Result<()> {
    if task.header.has(TARGETED) && push(queue, task)? {
        return Ok(());
    }
    ready::push(queue, task, end)
}

/// Takes a task out of where it is ready.
pub(crate) fn leave_ready(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    if !task.header.has(TARGETED) {
        return ready::leave(queue, task);
    }
    queue.keys.zrem(queue.name.index(Index::Targeted), &[&task.id])?;
    if let Some(worker) = confirm(queue, task)? {
        queue.keys.zadd(queue.name.to(&worker), &[(NOT_READY, &task.id)])?;
    }
    Ok(())
}

/// Removes a task that is done or gone from those of its worker. A key of another type is skipped.
pub(crate) fn forget(queue: &mut Queue<'_>, task: &Task) {
    if let Some(worker) = worker(queue, task) {
        let _ = queue.keys.zrem(queue.name.to(&worker), &[&task.id]);
    }
}

/// The worker a task is still targeted at. If there is none any more, or the key of its tasks has another type, clears
/// the flag: the task is for everyone from now on.
fn confirm(queue: &mut Queue<'_>, task: &mut Task) -> Result<Option<String>> {
    if let Some(worker) = target(queue, task) {
        if queue.keys.ensure_type(queue.name.to(&worker)).is_ok() {
            return Ok(Some(worker));
        }
        queue.log_skip("the tasks for one worker, of another type");
    }
    forget(queue, task);
    task.header.flags &= !TARGETED;
    Ok(None)
}

/// The place of a ready task among those of its worker: the most urgent first, then by due time.
fn score(header: &Header) -> Ms {
    let due = header.due.0.clamp(0, PRIORITY - 1);
    Ms::from(header.priority) * PRIORITY + due
}

/// A task targeted at this worker is ready: its waiting clients are served at the end of the transaction.
fn serve_worker(queue: &mut Queue<'_>, worker: String) {
    let somebody_waits = queue.state.waiting.count(&queue.name) > 0;
    let memory = queue.memory();
    memory.maybe_targeted = true;
    if somebody_waits {
        memory.workers_to_serve.insert(worker);
    }
}

/// The worker may not claim now. If tasks targeted at it are ready, its waiting clients are served later.
pub(crate) fn serve_worker_later(queue: &mut Queue<'_>, worker: &str) {
    let memory = queue.state.known_queue_mut(&queue.name);
    if let Some(memory) = memory.filter(|memory| memory.maybe_targeted) {
        memory.workers_to_serve.insert(worker.to_string());
    }
}

/// Takes the workers with waiting clients for which targeted tasks may be ready.
pub(crate) fn take_workers_to_serve(queue: &mut Queue<'_>) -> BTreeSet<String> {
    let memory = queue.state.known_queue_mut(&queue.name);
    memory
        .map(|memory| std::mem::take(&mut memory.workers_to_serve))
        .unwrap_or_default()
}

/// Whether there may be such workers.
pub(crate) fn has_workers_to_serve(queue: &Queue<'_>) -> bool {
    let memory = queue.state.known_queue(&queue.name);
    memory.is_some_and(|memory| memory.maybe_targeted && !memory.workers_to_serve.is_empty())
}

/// How many tasks are ready: those in the lists and targeted ones.
pub(crate) fn count_ready(queue: &mut Queue<'_>) -> Result<usize> {
    Ok(ready::count(queue)? + count(queue)?)
}

/// When the oldest ready task was due, if it is near the head of its list.
pub(crate) fn oldest_ready(queue: &mut Queue<'_>) -> Result<Option<Wall>> {
    let mut found_due = Vec::new();
    for priority in 0..PRIORITIES {
        for id in queue.keys.lrange(queue.name.ready(priority), 0, HEADS)? {
            let found = queue.read_header(&id);
            if let Some(task) = found.filter(|task| ready::counts(queue, &task.header, priority)) {
                found_due.push(task.header.due);
                break;
            }
        }
    }
    let index = queue.name.index(Index::Targeted);
    for (due, id) in queue.keys.zlowest(index, i64::MAX, HEADS)? {
        let found = queue.read_header(&id);
        if found.is_some_and(|task| counts(queue, &task.header)) {
            found_due.push(Wall(due));
            break;
        }
    }
    Ok(found_due.into_iter().min())
}

fn count(queue: &mut Queue<'_>) -> Result<usize> {
    queue.keys.zcard(queue.name.index(Index::Targeted))
}

/// Whether something may be ready for this worker alone. In keys of another type there is nothing.
pub(crate) fn has_any(queue: &mut Queue<'_>, worker: &str) -> bool {
    let memory = queue.state.known_queue(&queue.name);
    if memory.is_some_and(|memory| !memory.maybe_targeted) {
        return false;
    }
    match count(queue) {
        Ok(0) => {
            if let Some(memory) = queue.state.known_queue_mut(&queue.name) {
                memory.maybe_targeted = false;
            }
            false
        }
        Ok(_) => {
            let first = queue.keys.zwalk(queue.name.to(worker), Some(&BEFORE_READY), false, 1);
            first.is_ok_and(|first| !first.is_empty())
        }
        Err(_) => false,
    }
}

/// Whether an id in the set of ready targeted tasks counts.
pub(crate) fn counts(queue: &Queue<'_>, header: &Header) -> bool {
    header.state == TaskState::Waiting && header.has(TARGETED) && queue.has(header)
}

/// Repairs ready targeted tasks after somebody else may have changed their sets, or who may claim them: each must be
/// found by its worker and its waiting clients. Returns whether there are more.
pub(crate) fn rescan(queue: &mut Queue<'_>) -> Result<bool> {
    let now = queue.context.steady;
    let memory = queue.memory();
    if memory.later_targets.take_if(|again| *again <= now).is_some() {
        memory.rescan_targeted();
    }
    let Some(after) = memory.targeted_rescan.take().filter(|_| memory.maybe_targeted) else {
        return Ok(false);
    };
    ensure_all_ready_types(queue)?;
    let index = queue.name.index(Index::Targeted);
    let members = queue.keys.zwalk(index, Some(&after), false, RESCANNED)?;
    for (_, id) in &members {
        repair(queue, id)?;
    }
    let all = members.len() < RESCANNED;
    if !all {
        queue.memory().targeted_rescan = members.last().cloned();
    } else if members.is_empty() {
        queue.memory().maybe_targeted = count(queue)? > 0;
    }
    Ok(!all)
}

fn repair(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    let found = queue.read_header(id);
    let Some(mut task) = found.filter(|task| counts(queue, &task.header)) else {
        if later::is_later(queue, id) {
            later::rescan_targeted(queue);
            return Ok(());
        }
        queue.log_skip("an id that is ready for one worker and no such task");
        queue.keys.zrem(queue.name.index(Index::Targeted), &[id])?;
        return Ok(());
    };
    // If its worker's membership ends, that must get a larger number.
    queue.state.saw_fence(task.header.fence);
    match confirm(queue, &mut task)? {
        Some(worker) => {
            let place = score(&task.header);
            let key = queue.name.to(&worker);
            if queue.keys.zscore(key, id)? != Some(place) {
                queue.keys.zadd(key, &[(place, id)])?;
            }
            serve_worker(queue, worker);
            Ok(())
        }
        None => {
            queue.keys.zrem(queue.name.index(Index::Targeted), &[id])?;
            ready::push(queue, &mut task, End::Tail)?;
            queue.write_header(&task)
        }
    }
}
