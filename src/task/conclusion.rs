//! How a task ended, told to the clients that wait for it and to its REPLY queue.

use std::rc::Rc;

use crate::ends::Conclusion;
use crate::keyspace::Answer;
use crate::names::{Id, Name};
use crate::settings::Settings;
use crate::task::ending::Fate;
use crate::task::record::{CANCELLED, EXTRA, REPLIES, Record, State};
use crate::task::{extra, replies};
use crate::unit::Unit;

/// Tasks that are looked at in one slice.
const LOOKED_AT: usize = 256;

/// What is known of a task's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It has not come yet.
    Running,
    /// That is how it ended.
    Ended(Conclusion),
    /// There is no such task, or no more.
    Gone,
}

/// Tells of a task's end, in the unit that ends it.
pub fn tell(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, how: Fate<'_>, settings: &Settings) {
    let awaited = unit.memory.waiting.listeners().has(name, id);
    if !awaited && !record.has(REPLIES) {
        return;
    }
    let (state, result) = match how {
        Fate::Done(result) => ("done", result.map(Rc::from)),
        Fate::Dead(_) => ("dead", None),
        Fate::Cancelled(_) => ("cancelled", None),
        Fate::Expired => ("expired", None),
    };
    let conclusion = conclude(unit, name, id, record, state, result);
    if awaited {
        answer(unit, name, id, Some(&conclusion));
    }
    if record.has(REPLIES) {
        replies::send(unit, name, id, record, &conclusion, settings);
    }
}

/// Tells those who wait that a task is gone: they were not told of its end before.
pub fn gone(unit: &mut Unit<'_>, name: &Name, id: &[u8]) {
    if unit.memory.waiting.listeners().has(name, id) {
        answer(unit, name, id, None);
    }
}

/// Tells those who wait that all tasks of the queue are gone.
pub fn all_gone(unit: &mut Unit<'_>, name: &Name) {
    for id in unit.memory.waiting.listeners().tasks(name, None, usize::MAX) {
        answer(unit, name, &id, None);
    }
}

/// What is known of a task's end from its record.
pub fn known(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Answer<Known> {
    let Some(record) = super::find(unit, name, id, settings)? else {
        return Ok(Known::Gone);
    };
    let (state, result) = match record.state {
        State::Done => ("done", field(unit, name, id, &record, extra::RESULT)),
        State::Dead => ("dead", None),
        State::Claimed if record.has(CANCELLED) => ("cancelled", None),
        _ => return Ok(Known::Running),
    };
    Ok(Known::Ended(conclude(unit, name, id, &record, state, result)))
}

/// Looks at tasks that somebody waits for, after their records may have changed by other hands. Whether there are
/// more.
pub fn look(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let queue = unit.memory.known_queue_mut(name);
    let Some(after) = queue.and_then(|queue| queue.relook.take()) else {
        return Ok(false);
    };
    let ids = unit.memory.waiting.listeners().tasks(name, Some(&after), LOOKED_AT);
    for id in &ids {
        match known(unit, name, id, settings) {
            Ok(Known::Running) => {}
            Ok(Known::Ended(conclusion)) => answer(unit, name, id, Some(&conclusion)),
            // What is no record of ours is no task.
            Ok(Known::Gone) | Err(_) => answer(unit, name, id, None),
        }
    }
    let last = ids.last().filter(|_| ids.len() == LOOKED_AT);
    unit.memory.queue(name).relook = last.cloned();
    Ok(last.is_some())
}

/// The same at once for all of them, on a replica, where no tick looks.
pub fn look_now(unit: &mut Unit<'_>, name: &Name) {
    if !unit.memory.waiting.listeners().any(name) {
        return;
    }
    unit.memory.queue(name).relook = Some(Id::new());
    let look = |unit: &mut Unit<'_>| super::settings(unit, name).and_then(|settings| look(unit, name, &settings));
    // A queue hash of another type: those who wait go on waiting.
    while look(unit).unwrap_or(false) {}
}

fn conclude(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    state: &'static str,
    result: Option<Rc<[u8]>>,
) -> Conclusion {
    let error = if state == "dead" {
        field(unit, name, id, record, extra::ERROR)
    } else {
        None
    };
    Conclusion {
        state,
        result,
        error,
        progress: field(unit, name, id, record, extra::PROGRESS),
    }
}

/// One of the extra fields; a key of another type in their place says nothing.
fn field(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, field: &[u8]) -> Option<Rc<[u8]>> {
    if !record.has(EXTRA) {
        return None;
    }
    unit.keys.hget(name.extra(id), field).unwrap_or(None).map(Rc::from)
}

fn answer(unit: &mut Unit<'_>, name: &Name, id: &[u8], conclusion: Option<&Conclusion>) {
    for (ticket, reply) in unit.memory.waiting.ended(name, id, conclusion) {
        unit.answer(ticket, reply, Vec::new());
    }
}
