//! How tasks ended: answers the clients that wait for it, and leaves the REPLY queues to the end of the transaction.

use std::rc::Rc;

use crate::error::Result;
use crate::names::Id;
use crate::state::work::{Letter, ReplyDue, Told};
use crate::task::handle::{Queue, Task};
use crate::task::header::{HEADER_LEN, REPLIES, TaskState};
use crate::task::index::later;
use crate::task::{kind, options};
use crate::waiting::result_wait::TaskEnd;

/// Tasks that are checked in one slice.
const RESCANNED: usize = 256;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// It was acknowledged, perhaps with a result.
    Done(Option<&'a [u8]>),
    /// No attempts were left, or it was lost too often; with the reason.
    Dead(&'static str),
    /// It was cancelled; with the reason, empty when a command asked for it.
    Cancelled(&'a str),
    /// It was not claimed in time.
    Expired,
}

/// What is known of a task's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownEnd {
    /// It has not ended.
    Running,
    /// It ended like this.
    Ended(TaskEnd),
    /// There is no such task (any more).
    Gone,
}

/// A task ends: answers the clients that wait for it, and queues its REPLY.
pub(crate) fn publish(queue: &mut Queue<'_>, task: &Task, outcome: Outcome<'_>) {
    let awaited = queue.state.waiting.listeners().has(&queue.name, &task.id);
    if !awaited && !task.header.has(REPLIES) {
        return;
    }
    let (state, result) = match outcome {
        Outcome::Done(result) => ("done", result.map(Rc::from)),
        Outcome::Dead(_) => ("dead", None),
        Outcome::Cancelled(_) => ("cancelled", None),
        Outcome::Expired => ("expired", None),
    };
    let end = end_of(queue, task, state, result);
    if awaited {
        answer(queue, &task.id, Some(&end));
    }
    if !task.header.has(REPLIES) {
        return;
    }
    let options = task.options(queue);
    if options.reply_on_dead && state != "dead" {
        return;
    }
    if let Some(to) = options.reply.clone() {
        // An attempt that was acknowledged is not counted yet.
        let attempt = task.header.attempts + u64::from(state == "done");
        queue.state.work.replies.push(ReplyDue {
            name: queue.name.clone(),
            id: task.id.clone(),
            to,
            told: Told::End(end),
            attempt,
        });
    }
}

/// A task is dead: queues a copy for the `dead-queue`. A copy makes no other.
pub(crate) fn copy_dead(queue: &mut Queue<'_>, task: &Task) {
    let Some(to) = &queue.settings.dead_queue else {
        return;
    };
    let to = to.text().to_string();
    if task.options(queue).origin.is_some() {
        return;
    }
    let Ok(Some(mut payload)) = queue.keys.get(queue.name.task(&task.id)) else {
        return;
    };
    payload.drain(..HEADER_LEN.min(payload.len()));
    let letter = Letter {
        payload,
        kind: kind::of(queue, task),
        error: queue.field(task, options::ERROR),
    };
    queue.state.work.replies.push(ReplyDue {
        name: queue.name.clone(),
        id: task.id.clone(),
        to,
        told: Told::Letter(letter),
        attempt: task.header.attempts,
    });
}

/// A task is gone: answers the clients that still wait for it.
pub(crate) fn publish_gone(queue: &mut Queue<'_>, id: &[u8]) {
    if queue.state.waiting.listeners().has(&queue.name, id) {
        answer(queue, id, None);
    }
}

/// The same for all tasks of the queue.
pub(crate) fn publish_all_gone(queue: &mut Queue<'_>) {
    for id in queue.state.waiting.listeners().tasks(&queue.name, None, usize::MAX) {
        answer(queue, &id, None);
    }
}

/// What is known of a task's end from its record, with its values or without.
pub(crate) fn known(queue: &mut Queue<'_>, id: &[u8], values: bool) -> Result<KnownEnd> {
    let Some(task) = queue.find(id)? else {
        return Ok(KnownEnd::Gone);
    };
    let state = match task.header.state {
        TaskState::Done => "done",
        TaskState::Dead => "dead",
        TaskState::Claimed if task.is_cancelled() => "cancelled",
        _ => return Ok(KnownEnd::Running),
    };
    if !values {
        return Ok(KnownEnd::Ended(TaskEnd::UNREAD));
    }
    let result = match task.header.state {
        TaskState::Done => queue.field(&task, options::RESULT).map(Rc::from),
        _ => None,
    };
    Ok(KnownEnd::Ended(end_of(queue, &task, state, result)))
}

/// Checks the tasks that clients wait for, after somebody else may have changed their records. Returns whether there
/// are more.
pub(crate) fn rescan(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.state.known_queue_mut(&queue.name);
    let Some(after) = memory.and_then(|memory| memory.awaited_rescan.take()) else {
        return Ok(false);
    };
    let listeners = queue.state.waiting.listeners();
    let ids = listeners.tasks(&queue.name, Some(&after), RESCANNED);
    for id in &ids {
        match known(queue, id, true) {
            Ok(KnownEnd::Running) => {}
            Ok(KnownEnd::Ended(end)) => answer(queue, id, Some(&end)),
            Err(_) if later::is_later(queue, id) => {}
            // A foreign value is not a task.
            Ok(KnownEnd::Gone) | Err(_) => answer(queue, id, None),
        }
    }
    let last = ids.last().filter(|_| ids.len() == RESCANNED);
    queue.memory().awaited_rescan = last.cloned();
    Ok(last.is_some())
}

/// The same for all of them at once, on a replica, where the timer does not run.
pub(crate) fn rescan_all(queue: &mut Queue<'_>) {
    if !queue.state.waiting.listeners().any(&queue.name) {
        return;
    }
    queue.memory().awaited_rescan = Some(Id::new());
    while rescan(queue).unwrap_or(false) {}
}

fn end_of(queue: &mut Queue<'_>, task: &Task, state: &'static str, result: Option<Rc<[u8]>>) -> TaskEnd {
    let mut error = None;
    if state == "dead" {
        error = queue.field(task, options::ERROR).map(Rc::from);
    }
    TaskEnd {
        state,
        result,
        error,
        progress: queue.field(task, options::PROGRESS).map(Rc::from),
    }
}

fn answer(queue: &mut Queue<'_>, id: &[u8], end: Option<&TaskEnd>) {
    for (ticket, reply) in queue.state.waiting.ended(&queue.name, id, end) {
        queue.tx().answer(ticket, reply, Vec::new());
    }
}
