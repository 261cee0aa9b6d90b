//! The ready lists, for any worker (those for one worker are in `addressed`). They are never walked: a task that leaves one other than by being popped leaves its id
//! behind, and a bit in its header says so. When the id comes up it is passed over; when the task becomes
//! ready again in that list, it takes the place its id still has.

use std::rc::Rc;

use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name, PRIORITIES};
use crate::settings::{Settings, stale_field};
use crate::task::addressed;
use crate::task::record::{ADDRESSED, HEADER, Record, State};
use crate::unit::Unit;

/// Which end of its list a task goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Before all others: it was lost or released.
    Head,
    /// Behind all others: it became due.
    Tail,
}

/// Makes a waiting task ready, for its worker alone if it has one. May clear bits of its header: the caller writes the
/// header afterwards.
pub fn push(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record, end: End) -> Answer<()> {
    if record.has(ADDRESSED) && addressed::push(unit, name, id, record)? {
        return Ok(());
    }
    let priority = record.priority;
    if !reuses_place(unit, name, record)? {
        match end {
            End::Head => unit.keys.lpush(name.ready(priority), &[id])?,
            End::Tail => unit.keys.rpush(name.ready(priority), &[id])?,
        }
    }
    unit.memory.queue(name).maybe_ready |= 1 << priority;
    Ok(())
}

/// Whether the list of the task's priority still has its id; if so, that id counts again.
pub fn reuses_place(unit: &mut Unit<'_>, name: &Name, record: &mut Record) -> Answer<bool> {
    let priority = record.priority;
    if !record.is_stale(priority) {
        return Ok(false);
    }
    record.stale &= !(1 << priority);
    // A list that somebody deleted has no place to go back to.
    let there = unit.keys.llen(name.ready(priority))? > 0;
    change_stale(unit, name, priority, -1)?;
    Ok(there)
}

/// Takes a ready task out of its list without touching the list. The caller writes the header.
pub fn leave(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record) -> Answer<()> {
    if record.has(ADDRESSED) {
        return addressed::leave(unit, name, id, record);
    }
    let priority = record.priority;
    if !record.is_stale(priority) {
        record.stale |= 1 << priority;
        change_stale(unit, name, priority, 1)?;
    }
    Ok(())
}

/// Changes the stored number of stale ids of one list.
pub fn change_stale(unit: &mut Unit<'_>, name: &Name, priority: u8, by: i64) -> Answer<()> {
    if by == 0 {
        return Ok(());
    }
    let mut settings = super::settings(unit, name)?;
    let Some(stale) = Rc::make_mut(&mut settings).stale.get_mut(usize::from(priority)) else {
        return Ok(());
    };
    let now = u32::try_from(i64::from(*stale).saturating_add(by)).unwrap_or(0);
    if now == *stale {
        return Ok(());
    }
    *stale = now;
    let field = stale_field(priority).as_bytes();
    if now == 0 {
        unit.keys.hdel(name.queue(), &[field])?;
    } else {
        unit.keys.hset(name.queue(), &[(field, now.to_string().as_bytes())])?;
    }
    let crowded = now as usize * 2 > unit.keys.llen(name.ready(priority))?;
    unit.memory.queue(name).settings = Some(settings);
    if by > 0 && crowded {
        unit.memory.agenda.now(name);
    }
    Ok(())
}

/// How many tasks are ready: those in the lists and those for one worker.
pub fn count(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<usize> {
    Ok(listed(unit, name, settings)? + addressed::count(unit, name)?)
}

/// How many tasks are ready for any worker: the ids in the lists less those that do not count.
pub fn listed(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<usize> {
    let mut count = 0;
    for priority in 0..PRIORITIES {
        let length = unit.keys.llen(name.ready(priority))?;
        count += length.saturating_sub(settings.stale(priority) as usize);
    }
    Ok(count)
}

/// Whether an id in the list of this priority counts.
pub fn counts(record: &Record, priority: u8, settings: &Settings) -> bool {
    record.state == State::Waiting
        && record.priority == priority
        && !record.is_stale(priority)
        && !record.has(ADDRESSED)
        && super::exists(record, settings)
}

/// What to do about an id that was taken out of the list of this priority and does not count: its bit is
/// cleared, and a record that stayed only for it goes. Replies whether it was among the stale ones.
pub fn discard(unit: &mut Unit<'_>, name: &Name, id: &[u8], priority: u8, record: Option<Record>) -> Answer<bool> {
    let Some(mut record) = record else {
        unit.memory.skip_foreign(name, "an id without a record in a ready list");
        return Ok(false);
    };
    if !record.is_stale(priority) {
        unit.memory
            .skip_foreign(name, "an id in a ready list it does not belong to");
        return Ok(false);
    }
    record.stale &= !(1 << priority);
    if record.state == State::Removed && record.stale == 0 {
        unit.keys.del(name.task(id));
    } else {
        unit.keys.set_start(name.task(id), &record.write())?;
    }
    Ok(true)
}

/// The header of an id in a list, with nothing decided about it; `None` when there is none of ours.
pub fn look(unit: &mut Unit<'_>, name: &Name, id: &[u8]) -> Option<Record> {
    let bytes = unit.keys.peek(name.task(id), HEADER).ok()??;
    Record::read(&bytes)
}

/// Nothing, when the list of this priority may be written; else `WrongType`.
pub fn expect(unit: &mut Unit<'_>, name: &Name, priority: u8) -> Answer<()> {
    unit.keys.expect(name.index(Index::Ready(priority)), Type::List)
}

/// Nothing, when the numbers of stale ids may be written, if there are any that may change; else `WrongType`.
pub fn expect_counts(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<()> {
    if settings.stale.iter().all(|stale| *stale == 0) {
        return Ok(());
    }
    unit.keys.expect(name.queue(), Type::Hash)
}

/// Nothing, when all ready lists, the set of those for one worker and the numbers of stale ids may be written; else
/// `WrongType`.
pub fn expect_all(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    unit.keys.expect(name.queue(), Type::Hash)?;
    addressed::expect_ready(unit, name)?;
    (0..PRIORITIES).try_for_each(|priority| expect(unit, name, priority))
}
