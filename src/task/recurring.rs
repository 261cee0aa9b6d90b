//! A recurring task as it is stored: its definition and how far it has come, JSON in `task:{q}:repeats`.
//!
//! Its payload, any bytes, is in `task:{q}:repeat-payloads`, and the moment of its next occurrence in
//! `task:{q}:repeat-due`. Without a moment there, it does not recur.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::command::{Arg, Arguments, Typed};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::names::{Id, Part, plain_text};
use crate::recur::{Definition, MAX_NAME};
use crate::task::dispatch::limits;
use crate::task::handle::Queue;
use crate::task::new_task::NewTask;
use crate::task::options::OccurrenceOptions;
use crate::time::{MAX_UNIX_MS, Ms, Wall};

/// Who owns a definition.
pub(crate) const OWNER: Typed<Option<&str>> = Arg::option("OWNER", Arg::text("owner")).means("whose definition it is");

/// A recurring task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recurring {
    /// When its occurrences come.
    #[serde(flatten)]
    pub definition: Definition,
    /// The options of its tasks, as words of SCHEDULE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Who owns the definition, for a deploy that removes those of its own that are not wanted any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How many occurrences became tasks; skipped ones do not count.
    #[serde(default)]
    pub fired_total: u64,
    /// All occurrences up to this moment are dealt with, unix ms; 0 when none is.
    #[serde(default)]
    pub seen_until: Ms,
    /// The last occurrence that became a task, unix ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Ms>,
    /// The one that this replaced, while occurrences of it are due; its END is when it was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Recurring>>,
    /// Fields of a later version: they are kept.
    #[serde(flatten)]
    pub later: Map<String, Value>,
}

impl Recurring {
    /// From what is stored; `None` if that is foreign, or was edited into nonsense.
    pub(crate) fn read(json: &[u8]) -> Option<Recurring> {
        let recurring: Recurring = serde_json::from_slice(json).ok()?;
        recurring.is_sound().then_some(recurring)
    }

    fn is_sound(&self) -> bool {
        let moments = [Some(self.seen_until), self.last_at];
        moments.iter().flatten().all(|at| (0..=MAX_UNIX_MS).contains(at))
            && self.definition.is_sound()
            && self.before.as_ref().is_none_or(|before| before.is_sound())
    }

    /// What is stored.
    pub(crate) fn write(&self) -> Vec<u8> {
        // Numbers and text under text keys: cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its tasks, apart from their due times. Errors with `BadArg` if the options were edited into nonsense.
    pub(crate) fn task(&self, context: &Context) -> Result<NewTask> {
        let words: Vec<&[u8]> = self.options.iter().map(String::as_bytes).collect();
        let OccurrenceOptions { run, route } = OccurrenceOptions::parse(&words)?;
        Ok(NewTask::asked(&run, &route, context))
    }

    /// Whether both were defined alike, however far each has come.
    pub(crate) fn is_defined_as(&self, other: &Recurring) -> bool {
        self.definition == other.definition && self.options == other.options && self.owner == other.owner
    }

    /// Whether it has reached its LIMIT.
    pub(crate) fn is_finished(&self) -> bool {
        self.definition.limit.is_some_and(|limit| self.fired_total >= limit)
    }

    /// The first occurrence that is not dealt with.
    pub(crate) fn next(&self) -> Option<Wall> {
        if let Some(due) = self.before.as_ref().and_then(|before| before.next()) {
            return Some(due);
        }
        if self.is_finished() {
            return None;
        }
        self.definition.next_after(Wall(self.seen_until))
    }

    /// The moments of so many occurrences, the first of which is due then.
    pub(crate) fn upcoming(&self, due: Wall, most: usize) -> Vec<Wall> {
        let left = self
            .definition
            .limit
            .map(|limit| limit.saturating_sub(self.fired_total));
        let most = left.map_or(most, |left| usize::try_from(left).unwrap_or(most).min(most));
        let each = std::iter::successors(Some(due), |last| self.definition.next_after(*last));
        each.take(most).collect()
    }

    /// Takes over from the definition that this one replaces. With the same rule and START the phase goes on, and with
    /// the same LIMIT its count; else only what is due: two versions of a program that replace each other's definition
    /// must lose no occurrence.
    pub(crate) fn inherit(&mut self, old: &Recurring, now: Wall) {
        // For OVERLAP the task of the last occurrence counts, even if an earlier definition made it.
        self.last_at = old.last_at;
        if self.definition.has_phase_of(&old.definition) {
            self.definition.made_at = old.definition.made_at;
            self.seen_until = old.seen_until;
            if self.definition.limit == old.definition.limit {
                self.fired_total = old.fired_total;
            }
            self.before.clone_from(&old.before);
        } else if old.next().is_some_and(|due| due <= now) {
            self.before = Some(Box::new(old.clone().replaced(now)));
        }
        if let Some(before) = &mut self.before {
            before.definition.misfire = self.definition.misfire;
            before.definition.within_ms = self.definition.within_ms;
            before.definition.overlap = self.definition.overlap;
        }
    }

    /// This definition, replaced now. If one that it has replaced itself is still due, that one stays, and goes on in
    /// place of both if both are due: there is never more than one to remember.
    fn replaced(mut self, now: Wall) -> Recurring {
        let Some(mut before) = self.before.take() else {
            let end = self.definition.end_at.unwrap_or(now.0);
            self.definition.end_at = Some(end.min(now.0));
            self.options.clear();
            return self;
        };
        // Unless its own END has ended it.
        let went_on = before.definition.end_at == Some(self.definition.made_at);
        if went_on && self.next().is_some_and(|due| due <= now) {
            before.definition.end_at = Some(now.0);
        }
        *before
    }

    /// The definition whose occurrences come first, and the one that has replaced it.
    pub(crate) fn split(mut self) -> (Recurring, Option<Recurring>) {
        match self.before.take() {
            Some(before) if before.next().is_some() => (*before, Some(self)),
            _ => (self, None),
        }
    }

    /// Undoes `split` when the first definition has come further.
    pub(crate) fn join(self, newer: Option<Recurring>) -> Recurring {
        let Some(mut newer) = newer else { return self };
        newer.last_at = self.last_at;
        newer.before = self.next().is_some().then(|| Box::new(self));
        newer
    }
}

/// The name of a recurring task. Errors with `BadName` unless it is a valid id that leaves room for the due time of an
/// occurrence.
pub(crate) fn check_name(name: &[u8]) -> Result<&str, Error> {
    if name.len() > MAX_NAME {
        return Err(Error::BadName(format!("name must be 1 to {MAX_NAME} bytes long")));
    }
    plain_text("name", name)
}

/// Errors with `WrongType` unless the keys of recurring tasks have the right types.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.of_queue(Part::Repeats))?;
    queue.keys.ensure_type(queue.name.of_queue(Part::RepeatDue))?;
    queue.keys.ensure_type(queue.name.of_queue(Part::RepeatPayloads))
}

/// The recurring task of this name, if there is one and it can be read.
pub(crate) fn find(queue: &mut Queue<'_>, repeat: &[u8]) -> Result<Option<Recurring>> {
    let json = queue.keys.hget(queue.name.of_queue(Part::Repeats), repeat)?;
    Ok(json.and_then(|json| Recurring::read(&json)))
}

/// The payload of its tasks.
pub(crate) fn payload(queue: &mut Queue<'_>, repeat: &[u8]) -> Result<Option<Vec<u8>>> {
    queue.keys.hget(queue.name.of_queue(Part::RepeatPayloads), repeat)
}

/// Makes the task of an occurrence. Errors with `Duplicate` if it is there already, and with `QueueFull`.
pub(crate) fn make(queue: &mut Queue<'_>, task: &mut NewTask, id: Id, payload: &[u8]) -> Result<()> {
    task.ensure_there(queue)?;
    let old = queue.leftover(&id)?;
    limits::ensure_length(queue, 1)?;
    queue.keys.ensure_type(queue.name.queue())?;
    queue.keys.ensure_type(queue.name.options(&id))?;
    task.number_kind(queue)?;
    task.add(queue, id, payload, old)
}

/// Stores how far a recurring task has come, and when it comes next.
pub(crate) fn put(queue: &mut Queue<'_>, repeat: &[u8], recurring: &Recurring, next: Wall) -> Result<()> {
    let json = recurring.write();
    queue
        .keys
        .hset(queue.name.of_queue(Part::Repeats), &[(repeat, &json)])?;
    plan(queue, repeat, next)
}

/// Stores when a recurring task comes next.
pub(crate) fn plan(queue: &mut Queue<'_>, repeat: &[u8], next: Wall) -> Result<()> {
    queue
        .keys
        .zadd(queue.name.of_queue(Part::RepeatDue), &[(next.0, repeat)])?;
    queue.memory().maybe_repeats = true;
    queue.wake_at(next);
    Ok(())
}

/// Removes a recurring task; whether there was one. Its tasks stay.
pub(crate) fn remove(queue: &mut Queue<'_>, repeat: &[u8]) -> Result<bool> {
    let mut there = false;
    for part in [Part::Repeats, Part::RepeatPayloads] {
        if queue.keys.hget(queue.name.of_queue(part), repeat)?.is_some() {
            queue.keys.hdel(queue.name.of_queue(part), &[repeat])?;
            there |= part == Part::Repeats;
        }
    }
    if queue
        .keys
        .zscore(queue.name.of_queue(Part::RepeatDue), repeat)?
        .is_some()
    {
        queue.keys.zrem(queue.name.of_queue(Part::RepeatDue), &[repeat])?;
    }
    Ok(there)
}
