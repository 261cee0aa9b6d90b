//! How a task ended, told to the clients that wait for it and to its REPLY queue.

use std::rc::Rc;

use crate::error::Result;
use crate::names::{Id, Name};
use crate::settings::QueueSettings;
use crate::task::header::{CANCELLED, EXTRA, REPLIES, Record, TaskState};
use crate::task::lifecycle::Outcome;
use crate::task::{self, options, reply_to};
use crate::tx::Tx;
use crate::waiting::result_wait::TaskEnd;

/// Tasks that are looked at in one slice.
const LOOKED_AT: usize = 256;

/// What is known of a task's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownEnd {
    /// It has not come yet.
    Running,
    /// That is how it ended.
    Ended(TaskEnd),
    /// There is no such task, or no more.
    Gone,
}

/// Tells of a task's end, in the transaction that ends it.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    how: Outcome<'_>,
    settings: &QueueSettings,
) {
    let awaited = tx.state.waiting.listeners().has(name, id);
    if !awaited && !record.has(REPLIES) {
        return;
    }
    let (state, result) = match how {
        Outcome::Done(result) => ("done", result.map(Rc::from)),
        Outcome::Dead(_) => ("dead", None),
        Outcome::Cancelled(_) => ("cancelled", None),
        Outcome::Expired => ("expired", None),
    };
    let conclusion = conclude(tx, name, id, record, state, result);
    if awaited {
        answer(tx, name, id, Some(&conclusion));
    }
    if record.has(REPLIES) {
        reply_to::send(tx, name, id, record, &conclusion, settings);
    }
}

/// Tells those who wait that a task is gone: they were not told of its end before.
pub(crate) fn gone(tx: &mut Tx<'_>, name: &Name, id: &[u8]) {
    if tx.state.waiting.listeners().has(name, id) {
        answer(tx, name, id, None);
    }
}

/// Tells those who wait that all tasks of the queue are gone.
pub(crate) fn all_gone(tx: &mut Tx<'_>, name: &Name) {
    for id in tx.state.waiting.listeners().tasks(name, None, usize::MAX) {
        answer(tx, name, &id, None);
    }
}

/// What is known of a task's end from its record.
pub(crate) fn known(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Result<KnownEnd> {
    let Some(record) = task::find(tx, name, id, settings)? else {
        return Ok(KnownEnd::Gone);
    };
    let (state, result) = match record.state {
        TaskState::Done => ("done", field(tx, name, id, &record, options::RESULT)),
        TaskState::Dead => ("dead", None),
        TaskState::Claimed if record.has(CANCELLED) => ("cancelled", None),
        _ => return Ok(KnownEnd::Running),
    };
    Ok(KnownEnd::Ended(conclude(tx, name, id, &record, state, result)))
}

/// Looks at tasks that somebody waits for, after their records may have changed by other hands. Whether there are
/// more.
pub(crate) fn look(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let queue = tx.state.known_queue_mut(name);
    let Some(after) = queue.and_then(|queue| queue.relook.take()) else {
        return Ok(false);
    };
    let ids = tx.state.waiting.listeners().tasks(name, Some(&after), LOOKED_AT);
    for id in &ids {
        match known(tx, name, id, settings) {
            Ok(KnownEnd::Running) => {}
            Ok(KnownEnd::Ended(conclusion)) => answer(tx, name, id, Some(&conclusion)),
            // What is no record of ours is no task.
            Ok(KnownEnd::Gone) | Err(_) => answer(tx, name, id, None),
        }
    }
    let last = ids.last().filter(|_| ids.len() == LOOKED_AT);
    tx.state.queue(name).relook = last.cloned();
    Ok(last.is_some())
}

/// The same at once for all of them, on a replica, where no tick looks.
pub(crate) fn look_now(tx: &mut Tx<'_>, name: &Name) {
    if !tx.state.waiting.listeners().any(name) {
        return;
    }
    tx.state.queue(name).relook = Some(Id::new());
    let look = |tx: &mut Tx<'_>| task::settings(tx, name).and_then(|settings| look(tx, name, &settings));
    // A queue hash of another type: those who wait go on waiting.
    while look(tx).unwrap_or(false) {}
}

fn conclude(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    state: &'static str,
    result: Option<Rc<[u8]>>,
) -> TaskEnd {
    let error = if state == "dead" {
        field(tx, name, id, record, options::ERROR)
    } else {
        None
    };
    TaskEnd {
        state,
        result,
        error,
        progress: field(tx, name, id, record, options::PROGRESS),
    }
}

/// One of the extra fields; a key of another type in their place says nothing.
fn field(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record, field: &[u8]) -> Option<Rc<[u8]>> {
    if !record.has(EXTRA) {
        return None;
    }
    tx.keys.hget(name.options(id), field).unwrap_or(None).map(Rc::from)
}

fn answer(tx: &mut Tx<'_>, name: &Name, id: &[u8], conclusion: Option<&TaskEnd>) {
    for (ticket, reply) in tx.state.waiting.ended(name, id, conclusion) {
        tx.answer(ticket, reply, Vec::new());
    }
}
