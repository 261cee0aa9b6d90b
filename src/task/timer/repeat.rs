//! Occurrences of recurring tasks.

use crate::error::{Error, Result};
use crate::names::{Id, Part};
use crate::recur::{MAX_FIRED, Overlap, occurrence_id};
use crate::task::events::{self, Event};
use crate::task::handle::Queue;
use crate::task::index::later;
use crate::task::new_task::NewTask;
use crate::task::recurring::{self, Recurring};
use crate::time::Wall;

/// Recurring tasks that are read in one slice: reading one costs as much as a few tasks.
const SCANNED: usize = 16;
/// Occurrences that become tasks, or are skipped one by one, in one slice.
const MADE: usize = 128;
/// Counting so many missed occurrences costs as much as making one a task.
const COUNTED: usize = 8;

/// Makes tasks of the occurrences that are due. None while memory is full: those due meanwhile are misfires.
pub(super) fn repeat(queue: &mut Queue<'_>) -> Result<bool> {
    if queue.context.memory_full || !queue.memory().maybe_repeats {
        return Ok(false);
    }
    let now = queue.context.wall;
    let due = queue
        .keys
        .zlowest(queue.name.of_queue(Part::RepeatDue), now.0, SCANNED)?;
    if due.is_empty() {
        return Ok(false);
    }
    recurring::ensure_types(queue)?;
    let mut left = MADE;
    let mut moved = false;
    for (moment, repeat) in &due {
        match advance(queue, repeat, Wall(*moment), left) {
            Ok(worth) => {
                moved = true;
                left = left.saturating_sub(worth);
            }
            Err(error) => log_skip(queue, &error.to_string()),
        }
        if left == 0 {
            break;
        }
    }
    // One that failed, because a key has another type, is tried again later.
    Ok(moved && (left == 0 || due.len() == SCANNED))
}

/// When the next occurrence comes.
pub(super) fn next(queue: &mut Queue<'_>) -> Result<Option<i64>> {
    if !queue.memory().maybe_repeats {
        return Ok(None);
    }
    let next = queue.keys.zlowest(queue.name.of_queue(Part::RepeatDue), i64::MAX, 1)?;
    queue.memory().maybe_repeats = !next.is_empty();
    Ok(next.first().map(|(due, _)| *due))
}

/// Deals with the occurrences of one recurring task up to now, so many at most. Returns how many tasks' worth of work
/// that was.
fn advance(queue: &mut Queue<'_>, repeat: &[u8], due: Wall, most: usize) -> Result<usize> {
    let Some(mut source) = Source::read(queue, repeat)? else {
        queue.keys.zrem(queue.name.of_queue(Part::RepeatDue), &[repeat])?;
        emit(queue, "skipped", repeat, "unreadable");
        log_skip(queue, "one that makes no sense");
        return Ok(0);
    };
    if source.recurring.is_finished() {
        recurring::remove(queue, repeat)?;
        return Ok(0);
    }
    source.task.ensure_types(queue)?;
    let now = queue.context.wall;
    // No occurrence comes twice, even if the clock was set back or the stored moment was edited.
    let after = Wall(due.0.saturating_sub(1)).max(Wall(source.recurring.seen_until));
    let Recurring {
        definition,
        fired_total: fired,
        ..
    } = &source.recurring;
    let places = definition.limit.map(|limit| limit.saturating_sub(*fired));
    let fire = definition.occurrences(after, now, *fired).fire;
    let mut missed = 0;
    if fire.first() != Some(&due) {
        let until = fire.first().map_or(now, |first| Wall(first.0.saturating_sub(1)));
        missed = definition.count(after, until);
        emit_missed(queue, repeat, missed);
    }
    let made = fire.len().min(most);
    for at in fire.iter().take(most) {
        source.occur(queue, *at);
    }
    let mut recurring = source.recurring;
    // LIMIT cuts the occurrences off, and if some of them were skipped, later ones take their places.
    if made == fire.len() && places.is_none_or(|places| (made as u64) < places) {
        recurring.seen_until = recurring.seen_until.max(now.0);
    }
    let recurring = recurring.join(source.newer);
    match recurring.next() {
        Some(next) => recurring::put(queue, repeat, &recurring, next)?,
        None => {
            recurring::remove(queue, repeat)?;
        }
    }
    Ok(made + missed / COUNTED)
}

/// What occurrences are made from.
struct Source<'a> {
    name: &'a str,
    recurring: Recurring,
    /// The definition that has replaced it.
    newer: Option<Recurring>,
    task: NewTask,
    payload: Vec<u8>,
}

impl Source<'_> {
    /// `None` if it was edited into nonsense, or a part of it was deleted.
    fn read<'a>(queue: &mut Queue<'_>, repeat: &'a [u8]) -> Result<Option<Source<'a>>> {
        let recurring = recurring::find(queue, repeat)?;
        let payload = recurring::payload(queue, repeat)?;
        let (Some(recurring), Some(payload)) = (recurring, payload) else {
            return Ok(None);
        };
        let (Ok(repeat), Ok(task)) = (recurring::check_name(repeat), recurring.task(&queue.context)) else {
            return Ok(None);
        };
        let (recurring, newer) = recurring.split();
        Ok(Some(Source {
            name: repeat,
            recurring,
            newer,
            task,
            payload,
        }))
    }

    /// Makes the task of an occurrence, or skips it.
    fn occur(&mut self, queue: &mut Queue<'_>, at: Wall) {
        let id = occurrence_id(self.name, at);
        self.recurring.seen_until = at.0;
        if self.recurring.definition.overlap == Overlap::Skip && self.last_lives(queue) {
            emit(queue, "skipped", id.as_bytes(), "overlap");
            return;
        }
        let late = queue.context.wall.since(at);
        self.task.due = at;
        match recurring::make(queue, &mut self.task, Id::from_slice(id.as_bytes()), &self.payload) {
            Ok(()) => {
                self.recurring.fired_total += 1;
                queue.record_lateness(late, 1);
            }
            Err(Error::QueueFull(_)) => {
                emit(queue, "skipped", id.as_bytes(), "full");
                return;
            }
            Err(Error::NoMember(..)) => {
                emit(queue, "skipped", id.as_bytes(), "nomember");
                return;
            }
            // An earlier definition of this name made the same occurrence.
            Err(Error::Duplicate(..)) => {}
            Err(error) => log_skip(queue, &error.to_string()),
        }
        self.recurring.last_at = Some(at.0);
    }

    /// Whether the task of the last occurrence has not ended.
    fn last_lives(&self, queue: &mut Queue<'_>) -> bool {
        let Some(last) = self.recurring.last_at else {
            return false;
        };
        let id = occurrence_id(self.name, Wall(last));
        match queue.read_header(id.as_bytes()) {
            Some(task) => task.is_live() && queue.has(&task.header),
            None => later::is_later(queue, id.as_bytes()),
        }
    }
}

fn emit_missed(queue: &mut Queue<'_>, repeat: &[u8], missed: usize) {
    if missed > MAX_FIRED {
        emit(queue, "missed", repeat, &format!("more than {MAX_FIRED}"));
    } else if missed > 0 {
        emit(queue, "missed", repeat, &missed.to_string());
    }
}

/// Adds an event; a stream of another type must not stop an occurrence.
fn emit(queue: &mut Queue<'_>, kind: &'static str, id: &[u8], reason: &str) {
    let event = Event {
        kind,
        id,
        worker: "",
        attempt: 0,
        reason,
        task_kind: "",
    };
    if let Err(error) = events::emit(queue, &event) {
        log_skip(queue, &error.to_string());
    }
}

fn log_skip(queue: &mut Queue<'_>, what: &str) {
    queue.log_skip(&format!("a recurring task: {what}"));
}
