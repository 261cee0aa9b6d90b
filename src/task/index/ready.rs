//! The ready lists, for any worker (tasks for one worker are in `targeted`). They are never walked: a task that leaves
//! one other than by being popped leaves its id behind, and a bit in its header says so. When the id comes up it is
//! passed over; when the task becomes ready again in that list, it takes the place its id still has.

use std::rc::Rc;

use crate::error::Result;
use crate::names::{Index, Name, PRIORITIES};
use crate::settings::{QueueSettings, ghosts_field};
use crate::task;
use crate::task::header::{ADDRESSED, HEADER, Record, TaskState};
use crate::task::index::targeted;
use crate::tx::Tx;

/// Which end of its list a task goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Before all others: it was lost or released.
    Head,
    /// Behind all others: it became due.
    Tail,
}

/// Makes a waiting task ready, for its worker alone if it has one. May clear bits of its header: the caller writes the
/// header afterwards.
pub(crate) fn push(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record, end: End) -> Result<()> {
    if record.has(ADDRESSED) && targeted::push(tx, name, id, record)? {
        return Ok(());
    }
    let priority = record.priority;
    if !reuses_place(tx, name, record)? {
        match end {
            End::Head => tx.keys.lpush(name.ready(priority), &[id])?,
            End::Tail => tx.keys.rpush(name.ready(priority), &[id])?,
        }
    }
    tx.state.queue(name).maybe_ready |= 1 << priority;
    Ok(())
}

/// Whether the list of the task's priority still has its id; if so, that id counts again.
pub(crate) fn reuses_place(tx: &mut Tx<'_>, name: &Name, record: &mut Record) -> Result<bool> {
    let priority = record.priority;
    if !record.is_ghost(priority) {
        return Ok(false);
    }
    record.ghosts &= !(1 << priority);
    // A list that somebody deleted has no place to go back to.
    let there = tx.keys.llen(name.ready(priority))? > 0;
    change_ghosts(tx, name, priority, -1)?;
    Ok(there)
}

/// Takes a ready task out of its list without touching the list. The caller writes the header.
pub(crate) fn leave(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<()> {
    if record.has(ADDRESSED) {
        return targeted::leave(tx, name, id, record);
    }
    let priority = record.priority;
    if !record.is_ghost(priority) {
        record.ghosts |= 1 << priority;
        change_ghosts(tx, name, priority, 1)?;
    }
    Ok(())
}

/// Changes the stored number of ghosts of one list.
pub(crate) fn change_ghosts(tx: &mut Tx<'_>, name: &Name, priority: u8, by: i64) -> Result<()> {
    if by == 0 {
        return Ok(());
    }
    let mut settings = task::settings(tx, name)?;
    let Some(ghosts) = Rc::make_mut(&mut settings).ghosts.get_mut(usize::from(priority)) else {
        return Ok(());
    };
    let now = u32::try_from(i64::from(*ghosts).saturating_add(by)).unwrap_or(0);
    if now == *ghosts {
        return Ok(());
    }
    *ghosts = now;
    let field = ghosts_field(priority).as_bytes();
    if now == 0 {
        tx.keys.hdel(name.queue(), &[field])?;
    } else {
        tx.keys.hset(name.queue(), &[(field, now.to_string().as_bytes())])?;
    }
    let crowded = now as usize * 2 > tx.keys.llen(name.ready(priority))?;
    tx.state.queue(name).settings = Some(settings);
    if by > 0 && crowded {
        tx.state.wakeups.now(name);
    }
    Ok(())
}

/// How many tasks are ready: those in the lists and those for one worker.
pub(crate) fn count(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<usize> {
    Ok(listed(tx, name, settings)? + targeted::count(tx, name)?)
}

/// How many tasks are ready for any worker: the ids in the lists less those that do not count.
pub(crate) fn listed(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<usize> {
    let mut count = 0;
    for priority in 0..PRIORITIES {
        let length = tx.keys.llen(name.ready(priority))?;
        count += length.saturating_sub(settings.ghosts(priority) as usize);
    }
    Ok(count)
}

/// Whether an id in the list of this priority counts.
pub(crate) fn counts(record: &Record, priority: u8, settings: &QueueSettings) -> bool {
    record.state == TaskState::Waiting
        && record.priority == priority
        && !record.is_ghost(priority)
        && !record.has(ADDRESSED)
        && task::exists(record, settings)
}

/// What to do about an id that was taken out of the list of this priority and does not count: its bit is
/// cleared, and a record that stayed only for it goes. Replies whether it was among the stale ones.
pub(crate) fn discard(tx: &mut Tx<'_>, name: &Name, id: &[u8], priority: u8, record: Option<Record>) -> Result<bool> {
    let Some(mut record) = record else {
        tx.state.skip_foreign(name, "an id without a record in a ready list");
        return Ok(false);
    };
    if !record.is_ghost(priority) {
        tx.state
            .skip_foreign(name, "an id in a ready list it does not belong to");
        return Ok(false);
    }
    record.ghosts &= !(1 << priority);
    if record.state == TaskState::Removed && record.ghosts == 0 {
        tx.keys.del(name.task(id));
    } else {
        tx.keys.set_start(name.task(id), &record.write())?;
    }
    Ok(true)
}

/// The header of an id in a list, with nothing decided about it; `None` when there is none of ours.
pub(crate) fn look(tx: &mut Tx<'_>, name: &Name, id: &[u8]) -> Option<Record> {
    let bytes = tx.keys.peek(name.task(id), HEADER).ok()??;
    Record::read(&bytes)
}

/// Nothing, when the list of this priority may be written; else `WrongType`.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, priority: u8) -> Result<()> {
    tx.keys.ensure_type(name.index(Index::Ready(priority)))
}

/// Nothing, when the numbers of ghosts may be written, if there are any that may change; else `WrongType`.
pub(crate) fn ensure_ghost_counts(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<()> {
    if settings.ghosts.iter().all(|ghosts| *ghosts == 0) {
        return Ok(());
    }
    tx.keys.ensure_type(name.queue())
}

/// Nothing, when all ready lists, the set of those for one worker and the numbers of ghosts may be written; else
/// `WrongType`.
pub(crate) fn ensure_types_all(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.queue())?;
    targeted::ensure_types_ready(tx, name)?;
    (0..PRIORITIES).try_for_each(|priority| ensure_types(tx, name, priority))
}
