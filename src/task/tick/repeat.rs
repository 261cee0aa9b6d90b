//! Occurrences of recurring tasks.

use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Name, Part};
use crate::recur::{MAX_FIRED, Overlap, occurrence_id};
use crate::settings::Settings;
use crate::task;
use crate::task::events::{self, Event};
use crate::task::limits;
use crate::task::new::New;
use crate::task::record::State;
use crate::task::recurring::{self, Recurring};
use crate::task::schedule;
use crate::time::Wall;
use crate::unit::Unit;

/// Recurring tasks that are looked at in one slice: to read one costs as much as a few tasks.
const LOOKED_AT: usize = 16;
/// Occurrences that become tasks, or are left out one by one, in one slice.
const MADE: usize = 128;
/// To count so many occurrences that were missed costs as much as to make one a task.
const COUNTED: usize = 8;

/// Makes tasks of the occurrences that are due. None while memory is full: those that pass meanwhile are misfires.
pub fn repeat(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if unit.env.memory_full || !unit.memory.queue(name).maybe_repeats {
        return Ok(false);
    }
    let now = unit.env.wall;
    let due = unit.keys.zlowest(name.of_queue(Part::RepeatDue), now.0, LOOKED_AT)?;
    if due.is_empty() {
        return Ok(false);
    }
    recurring::expect(unit, name)?;
    let mut left = MADE;
    let mut moved = false;
    for (moment, repeat) in &due {
        match advance(unit, name, repeat, Wall(*moment), left, settings) {
            Ok(worth) => {
                moved = true;
                left = left.saturating_sub(worth);
            }
            Err(error) => complain(unit, name, &error.to_string()),
        }
        if left == 0 {
            break;
        }
    }
    // One that could not be dealt with, as the list of its priority is none, is tried again later.
    Ok(moved && (left == 0 || due.len() == LOOKED_AT))
}

/// When the next occurrence comes.
pub fn next(unit: &mut Unit<'_>, name: &Name) -> Answer<Option<i64>> {
    if !unit.memory.queue(name).maybe_repeats {
        return Ok(None);
    }
    let next = unit.keys.zlowest(name.of_queue(Part::RepeatDue), i64::MAX, 1)?;
    unit.memory.queue(name).maybe_repeats = !next.is_empty();
    Ok(next.first().map(|(due, _)| *due))
}

/// Deals with the occurrences of one recurring task up to now, so many at most; replies how many tasks that
/// was worth.
fn advance(
    unit: &mut Unit<'_>,
    name: &Name,
    repeat: &[u8],
    due: Wall,
    most: usize,
    settings: &Settings,
) -> Answer<usize> {
    let Some(mut source) = Source::read(unit, name, repeat)? else {
        unit.keys.zrem(name.of_queue(Part::RepeatDue), &[repeat])?;
        tell(unit, name, "skipped", repeat, "unreadable", settings);
        complain(unit, name, "one that makes no sense");
        return Ok(0);
    };
    if source.recurring.is_finished() {
        recurring::remove(unit, name, repeat)?;
        return Ok(0);
    }
    source.task.check(unit, name)?;
    let now = unit.env.wall;
    // What was dealt with does not come again, whatever the clock did or somebody wrote.
    let after = Wall(due.0.saturating_sub(1)).max(Wall(source.recurring.seen));
    let Recurring { definition, fired, .. } = &source.recurring;
    let places = definition.limit.map(|limit| limit.saturating_sub(*fired));
    let fire = definition.occurrences(after, now, *fired).fire;
    let mut missed = 0;
    if fire.first() != Some(&due) {
        let until = fire.first().map_or(now, |first| Wall(first.0.saturating_sub(1)));
        missed = definition.count(after, until);
        tell_missed(unit, name, repeat, missed, settings);
    }
    let made = fire.len().min(most);
    for at in fire.iter().take(most) {
        source.occur(unit, name, *at, settings);
    }
    let mut recurring = source.recurring;
    // With LIMIT only so many came as there were places, and of those some may have been left out.
    if made == fire.len() && places.is_none_or(|places| (made as u64) < places) {
        recurring.seen = recurring.seen.max(now.0);
    }
    match recurring.next() {
        Some(next) => recurring::put(unit, name, repeat, &recurring, next)?,
        None => {
            recurring::remove(unit, name, repeat)?;
        }
    }
    Ok(made + missed / COUNTED)
}

/// What occurrences are made from.
struct Source<'a> {
    name: &'a str,
    recurring: Recurring,
    task: New,
    payload: Vec<u8>,
}

impl Source<'_> {
    /// `None` when somebody made nonsense of it, or removed a part of it.
    fn read<'a>(unit: &mut Unit<'_>, name: &Name, repeat: &'a [u8]) -> Answer<Option<Source<'a>>> {
        let recurring = recurring::find(unit, name, repeat)?;
        let payload = recurring::payload(unit, name, repeat)?;
        let (Some(recurring), Some(payload)) = (recurring, payload) else {
            return Ok(None);
        };
        let (Ok(repeat), Ok(task)) = (recurring::check_name(repeat), recurring.task(unit)) else {
            return Ok(None);
        };
        Ok(Some(Source {
            name: repeat,
            recurring,
            task,
            payload,
        }))
    }

    /// Makes the task of an occurrence, or leaves it out.
    fn occur(&mut self, unit: &mut Unit<'_>, name: &Name, at: Wall, settings: &Settings) {
        let id = occurrence_id(self.name, at);
        self.recurring.seen = at.0;
        if self.recurring.definition.overlap == Overlap::Skip && self.last_lives(unit, name, settings) {
            tell(unit, name, "skipped", id.as_bytes(), "overlap", settings);
            return;
        }
        let late = unit.env.wall.since(at);
        match self.make(unit, name, id.as_bytes(), at, settings) {
            Ok(()) => {
                self.recurring.fired += 1;
                unit.memory.late(name, late, 1);
            }
            Err(Error::QueueFull(_)) => {
                tell(unit, name, "skipped", id.as_bytes(), "full", settings);
                return;
            }
            // The same occurrence of a definition that was here before.
            Err(Error::Duplicate(_)) => {}
            Err(error) => complain(unit, name, &error.to_string()),
        }
        self.recurring.last = Some(at.0);
    }

    fn make(&mut self, unit: &mut Unit<'_>, name: &Name, id: &[u8], at: Wall, settings: &Settings) -> Answer<()> {
        let old = schedule::old_record(unit, name, id, settings)?;
        limits::expect_length(unit, name, 1, settings)?;
        unit.keys.expect(name.queue(), Type::Hash)?;
        unit.keys.expect(name.extra(id), Type::Hash)?;
        self.task.due = at;
        self.task.add(unit, name, id, &self.payload, old, settings)
    }

    /// Whether the task of the last occurrence has not come to its end.
    fn last_lives(&self, unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> bool {
        let Some(last) = self.recurring.last else {
            return false;
        };
        let id = occurrence_id(self.name, Wall(last));
        let record = task::find(unit, name, id.as_bytes(), settings).unwrap_or(None);
        record.is_some_and(|record| matches!(record.state, State::Waiting | State::Claimed | State::Blocked))
    }
}

fn tell_missed(unit: &mut Unit<'_>, name: &Name, repeat: &[u8], missed: usize, settings: &Settings) {
    if missed > MAX_FIRED {
        tell(
            unit,
            name,
            "missed",
            repeat,
            &format!("more than {MAX_FIRED}"),
            settings,
        );
    } else if missed > 0 {
        tell(unit, name, "missed", repeat, &missed.to_string(), settings);
    }
}

/// Adds to the stream of events; one that somebody made something else of stops no occurrence.
fn tell(unit: &mut Unit<'_>, name: &Name, kind: &'static str, id: &[u8], reason: &str, settings: &Settings) {
    let event = Event {
        kind,
        id,
        worker: "",
        attempt: 0,
        reason,
    };
    if let Err(error) = events::tell(unit, name, &event, settings) {
        complain(unit, name, &error.to_string());
    }
}

fn complain(unit: &mut Unit<'_>, name: &Name, what: &str) {
    unit.memory.skip_foreign(name, &format!("a recurring task: {what}"));
}

#[cfg(test)]
mod tests;
