//! How tasks ended: answers the clients that wait for it, and leaves the REPLY queues to the end of the transaction.

use std::rc::Rc;

use crate::error::Result;
use crate::names::Id;
use crate::settings::How;
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
    /// It was cancelled; with the reason, empty if none was given.
    Cancelled(&'a [u8]),
    /// It was not claimed in time.
    Expired,
}

/// Why a task ended that was not claimed in time.
pub(crate) const EXPIRED: &[u8] = b"expired";

impl Outcome<'_> {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Outcome::Done(_) => "done",
            Outcome::Dead(_) => "dead",
            Outcome::Cancelled(_) => "cancelled",
            Outcome::Expired => "expired",
        }
    }
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
    let end = end_of(queue, task, outcome);
    if awaited {
        answer(queue, &task.id, Some(&end));
    }
    if !task.header.has(REPLIES) {
        return;
    }
    let options = task.options(queue);
    if options.reply_on_dead && !matches!(outcome, Outcome::Dead(_)) {
        return;
    }
    if let Some(to) = options.reply.clone() {
        // An attempt that was acknowledged is not counted yet.
        let attempt = task.header.attempts + u64::from(matches!(outcome, Outcome::Done(_)));
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
    let outcome = match task.header.state {
        TaskState::Done => Outcome::Done(None),
        TaskState::Dead => Outcome::Dead(""),
        TaskState::Cancelled => Outcome::Cancelled(b""),
        TaskState::Expired => Outcome::Expired,
        TaskState::Claimed if task.is_cancelled() => Outcome::Cancelled(b""),
        _ => return Ok(KnownEnd::Running),
    };
    if !values {
        return Ok(KnownEnd::Ended(TaskEnd::UNREAD));
    }
    let mut end = end_of(queue, &task, outcome);
    if outcome == Outcome::Done(None) {
        end.result = queue.field(&task, options::RESULT).map(Rc::from);
    }
    Ok(KnownEnd::Ended(end))
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

fn end_of(queue: &mut Queue<'_>, task: &Task, outcome: Outcome<'_>) -> TaskEnd {
    TaskEnd {
        state: outcome.word(),
        result: match outcome {
            Outcome::Done(result) => result.map(Rc::from),
            _ => None,
        },
        error: error_of(queue, task, outcome).map(Rc::from),
        progress: queue.field(task, options::PROGRESS).map(Rc::from),
    }
}

/// The end of a task as it concerns those that wait for it.
pub(crate) fn for_dependents(queue: &mut Queue<'_>, task: &Task, outcome: Outcome<'_>) -> How {
    if let Outcome::Done(_) = outcome {
        return How::Done;
    }
    let error = error_of(queue, task, outcome);
    let why = error.as_deref().unwrap_or(outcome.word().as_bytes());
    let why = String::from_utf8_lossy(why).into();
    match outcome {
        Outcome::Dead(_) => How::Dead(why),
        _ => How::Failed(why),
    }
}

/// Why the task did not succeed: the reason of its end, else its last error.
pub(crate) fn error_of(queue: &mut Queue<'_>, task: &Task, outcome: Outcome<'_>) -> Option<Vec<u8>> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Expired => Some(EXPIRED.to_vec()),
        Outcome::Cancelled(reason) if !reason.is_empty() => Some(reason.to_vec()),
        Outcome::Dead(_) | Outcome::Cancelled(_) => queue.field(task, options::ERROR),
    }
}

fn answer(queue: &mut Queue<'_>, id: &[u8], end: Option<&TaskEnd>) {
    for (ticket, reply) in queue.state.waiting.ended(&queue.name, id, end) {
        queue.tx().answer(ticket, reply, Vec::new());
    }
}
