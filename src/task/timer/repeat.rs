//! Occurrences of recurring tasks.

use crate::error::{Error, Result};
use crate::names::{Name, Part};
use crate::recur::{MAX_FIRED, Overlap, occurrence_id};
use crate::settings::QueueSettings;
use crate::task;
use crate::task::commands::schedule;
use crate::task::dispatch::limits;
use crate::task::events::{self, Event};
use crate::task::header::TaskState;
use crate::task::new_task::New;
use crate::task::recurring::{self, Recurring};
use crate::time::Wall;
use crate::tx::Tx;

/// Recurring tasks that are looked at in one slice: to read one costs as much as a few tasks.
const LOOKED_AT: usize = 16;
/// Occurrences that become tasks, or are left out one by one, in one slice.
const MADE: usize = 128;
/// To count so many occurrences that were missed costs as much as to make one a task.
const COUNTED: usize = 8;

/// Makes tasks of the occurrences that are due. None while memory is full: those that pass meanwhile are misfires.
pub(super) fn repeat(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    if tx.context.memory_full || !tx.state.queue(name).maybe_repeats {
        return Ok(false);
    }
    let now = tx.context.wall;
    let due = tx.keys.zlowest(name.of_queue(Part::RepeatDue), now.0, LOOKED_AT)?;
    if due.is_empty() {
        return Ok(false);
    }
    recurring::ensure_types(tx, name)?;
    let mut left = MADE;
    let mut moved = false;
    for (moment, repeat) in &due {
        match advance(tx, name, repeat, Wall(*moment), left, settings) {
            Ok(worth) => {
                moved = true;
                left = left.saturating_sub(worth);
            }
            Err(error) => complain(tx, name, &error.to_string()),
        }
        if left == 0 {
            break;
        }
    }
    // One that could not be dealt with, as the list of its priority is none, is tried again later.
    Ok(moved && (left == 0 || due.len() == LOOKED_AT))
}

/// When the next occurrence comes.
pub(super) fn next(tx: &mut Tx<'_>, name: &Name) -> Result<Option<i64>> {
    if !tx.state.queue(name).maybe_repeats {
        return Ok(None);
    }
    let next = tx.keys.zlowest(name.of_queue(Part::RepeatDue), i64::MAX, 1)?;
    tx.state.queue(name).maybe_repeats = !next.is_empty();
    Ok(next.first().map(|(due, _)| *due))
}

/// Deals with the occurrences of one recurring task up to now, so many at most; replies how many tasks that
/// was worth.
fn advance(
    tx: &mut Tx<'_>,
    name: &Name,
    repeat: &[u8],
    due: Wall,
    most: usize,
    settings: &QueueSettings,
) -> Result<usize> {
    let Some(mut source) = Source::read(tx, name, repeat)? else {
        tx.keys.zrem(name.of_queue(Part::RepeatDue), &[repeat])?;
        tell(tx, name, "skipped", repeat, "unreadable", settings);
        complain(tx, name, "one that makes no sense");
        return Ok(0);
    };
    if source.recurring.is_finished() {
        recurring::remove(tx, name, repeat)?;
        return Ok(0);
    }
    source.task.check(tx, name)?;
    let now = tx.context.wall;
    // What was dealt with does not come again, whatever the clock did or somebody wrote.
    let after = Wall(due.0.saturating_sub(1)).max(Wall(source.recurring.seen));
    let Recurring { definition, fired, .. } = &source.recurring;
    let places = definition.limit.map(|limit| limit.saturating_sub(*fired));
    let fire = definition.occurrences(after, now, *fired).fire;
    let mut missed = 0;
    if fire.first() != Some(&due) {
        let until = fire.first().map_or(now, |first| Wall(first.0.saturating_sub(1)));
        missed = definition.count(after, until);
        tell_missed(tx, name, repeat, missed, settings);
    }
    let made = fire.len().min(most);
    for at in fire.iter().take(most) {
        source.occur(tx, name, *at, settings);
    }
    let mut recurring = source.recurring;
    // With LIMIT only so many came as there were places, and of those some may have been left out.
    if made == fire.len() && places.is_none_or(|places| (made as u64) < places) {
        recurring.seen = recurring.seen.max(now.0);
    }
    match recurring.next() {
        Some(next) => recurring::put(tx, name, repeat, &recurring, next)?,
        None => {
            recurring::remove(tx, name, repeat)?;
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
    fn read<'a>(tx: &mut Tx<'_>, name: &Name, repeat: &'a [u8]) -> Result<Option<Source<'a>>> {
        let recurring = recurring::find(tx, name, repeat)?;
        let payload = recurring::payload(tx, name, repeat)?;
        let (Some(recurring), Some(payload)) = (recurring, payload) else {
            return Ok(None);
        };
        let (Ok(repeat), Ok(task)) = (recurring::check_name(repeat), recurring.task(tx)) else {
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
    fn occur(&mut self, tx: &mut Tx<'_>, name: &Name, at: Wall, settings: &QueueSettings) {
        let id = occurrence_id(self.name, at);
        self.recurring.seen = at.0;
        if self.recurring.definition.overlap == Overlap::Skip && self.last_lives(tx, name, settings) {
            tell(tx, name, "skipped", id.as_bytes(), "overlap", settings);
            return;
        }
        let late = tx.context.wall.since(at);
        match self.make(tx, name, id.as_bytes(), at, settings) {
            Ok(()) => {
                self.recurring.fired += 1;
                tx.state.late(name, late, 1);
            }
            Err(Error::QueueFull(_)) => {
                tell(tx, name, "skipped", id.as_bytes(), "full", settings);
                return;
            }
            // The same occurrence of a definition that was here before.
            Err(Error::Duplicate(_)) => {}
            Err(error) => complain(tx, name, &error.to_string()),
        }
        self.recurring.last = Some(at.0);
    }

    fn make(&mut self, tx: &mut Tx<'_>, name: &Name, id: &[u8], at: Wall, settings: &QueueSettings) -> Result<()> {
        let old = schedule::old_record(tx, name, id, settings)?;
        limits::ensure_length(tx, name, 1, settings)?;
        tx.keys.ensure_type(name.queue())?;
        tx.keys.ensure_type(name.options(id))?;
        self.task.due = at;
        self.task.add(tx, name, id, &self.payload, old, settings)
    }

    /// Whether the task of the last occurrence has not come to its end.
    fn last_lives(&self, tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> bool {
        let Some(last) = self.recurring.last else {
            return false;
        };
        let id = occurrence_id(self.name, Wall(last));
        let record = task::find(tx, name, id.as_bytes(), settings).unwrap_or(None);
        record.is_some_and(|record| {
            matches!(
                record.state,
                TaskState::Waiting | TaskState::Claimed | TaskState::Blocked
            )
        })
    }
}

fn tell_missed(tx: &mut Tx<'_>, name: &Name, repeat: &[u8], missed: usize, settings: &QueueSettings) {
    if missed > MAX_FIRED {
        tell(tx, name, "missed", repeat, &format!("more than {MAX_FIRED}"), settings);
    } else if missed > 0 {
        tell(tx, name, "missed", repeat, &missed.to_string(), settings);
    }
}

/// Adds to the stream of events; one that somebody made something else of stops no occurrence.
fn tell(tx: &mut Tx<'_>, name: &Name, kind: &'static str, id: &[u8], reason: &str, settings: &QueueSettings) {
    let event = Event {
        kind,
        id,
        worker: "",
        attempt: 0,
        reason,
    };
    if let Err(error) = events::tell(tx, name, &event, settings) {
        complain(tx, name, &error.to_string());
    }
}

fn complain(tx: &mut Tx<'_>, name: &Name, what: &str) {
    tx.state.skip_foreign(name, &format!("a recurring task: {what}"));
}
