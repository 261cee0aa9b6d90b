//! Every way a claim or a task ends.

use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::queue::Loss;
use crate::settings::Settings;
use crate::task::events::{self, Event};
use crate::task::ready::{self, End};
use crate::task::record::{ADDRESSED, CANCELLED, EXPIRES, EXTRA, Record, State, UNIQUE};
use crate::task::{addressed, after, arrive, conclusion, expiring, extra, group, unique};
use crate::time::Wall;
use crate::unit::Unit;

/// Dead tasks one step removes to keep within the limits.
const TRIM: usize = 100;

/// Where a task went when its claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// It waits for its due time.
    Scheduled,
    /// It may be claimed again.
    Ready,
    /// It waits for its turn in its group.
    Blocked,
    /// It is among the dead.
    Dead,
    /// It had been cancelled and is gone.
    Cancelled,
}

/// How a task came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It was acknowledged, perhaps with a result.
    Done(Option<&'a [u8]>),
    /// No attempts were left, or it was lost too often; with the reason.
    Dead(&'static str),
    /// It was not wanted any more; with the reason, empty when somebody said so.
    Cancelled(&'a str),
    /// Nobody claimed it in time.
    Expired,
}

/// A task came to its end: all that hangs on it follows in the same unit. Its record is still there, perhaps with
/// fewer flags, and the caller writes or removes it afterwards.
pub fn conclude(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    how: Fate<'_>,
    settings: &Settings,
) -> Answer<()> {
    if record.state != State::Claimed || !matches!(how, Fate::Cancelled(_)) {
        // The key and the turn of a cancelled task stay taken until its claim ends.
        unique::free(unit, name, id, record);
        group::leave(unit, name, id, record);
    }
    after::ended(unit, name, id, record, matches!(how, Fate::Done(_)));
    conclusion::tell(unit, name, id, record, how, settings);
    let (kind, reason, attempt) = match how {
        Fate::Done(_) => return Ok(()),
        Fate::Dead(reason) => ("dead", reason, record.attempts),
        Fate::Cancelled(reason) => ("cancelled", reason, record.attempt()),
        Fate::Expired => ("expired", "", record.attempts),
    };
    tell(unit, name, id, record, (kind, attempt, reason), settings)
}

/// An event about a task: its kind, the attempt that ended, and why.
fn tell(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    (kind, attempt, reason): (&'static str, u64, &str),
    settings: &Settings,
) -> Answer<()> {
    let worker = match record.worker {
        0 => None,
        number => super::worker_name(unit, name, number).unwrap_or(None),
    };
    let event = Event {
        kind,
        id,
        worker: worker.as_deref().unwrap_or_default(),
        attempt,
        reason,
    };
    events::tell(unit, name, &event, settings)
}

/// Nothing, when all keys that the end of a claim may write have their types.
pub fn check(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, settings: &Settings) -> Answer<()> {
    for index in [Index::Claimed, Index::Scheduled, Index::Dead] {
        unit.keys.expect(name.index(index), Type::SortedSet)?;
    }
    unit.keys.expect(name.extra(id), Type::Hash)?;
    if record.stale != 0 {
        unit.keys.expect(name.queue(), Type::Hash)?;
    }
    expiring::expect(unit, name, record)?;
    events::expect(unit, name, settings)?;
    arrive::expect(unit, name, id, record)
}

/// Removes a task. While a ready list still has its id, its bare header stays, invisible to every command.
pub fn remove(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record) -> Answer<()> {
    unique::free(unit, name, id, record);
    group::leave(unit, name, id, record);
    addressed::forget(unit, name, id, record);
    after::unlink(unit, name, id, record);
    after::ended(unit, name, id, record, false);
    expiring::forget(unit, name, id, record);
    record.flags &= !(UNIQUE | EXPIRES | ADDRESSED);
    conclusion::gone(unit, name, id);
    if record.has(EXTRA) {
        unit.keys.del(name.extra(id));
        record.flags &= !EXTRA;
    }
    if record.stale == 0 {
        unit.keys.del(name.task(id));
        return Ok(());
    }
    record.state = State::Removed;
    unit.keys.set(name.task(id), &record.write(), b"")
}

/// The claim is over: it leaves the claimed set, its worker's list and its connection. Whether it was bound.
pub fn unclaim(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Answer<bool> {
    unit.keys.zrem(name.index(Index::Claimed), &[id])?;
    Ok(forget_claim(unit, name, record))
}

/// The claim leaves its worker's list and its connection; whether it was bound to one.
fn forget_claim(unit: &mut Unit<'_>, name: &Name, record: &Record) -> bool {
    let Some(queue) = unit.memory.known_queue_mut(name) else {
        return false;
    };
    if record.has(CANCELLED) {
        queue.cancelled.remove(record.fence);
    }
    let held = queue.claims.remove(record.worker, record.fence);
    let connection = held.and_then(|held| held.connection);
    if let Some(connection) = connection {
        unit.memory.unbind(connection, record.fence);
    }
    connection.is_some()
}

/// A task that waits or is blocked leaves the set or the list in which it stands. The caller has checked all keys, and
/// writes or removes the record.
pub fn take_out(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record) -> Answer<()> {
    if record.state == State::Blocked {
        unit.keys.zrem(name.index(Index::Blocked), &[id])?;
    } else if unit.keys.zrem(name.index(Index::Scheduled), &[id])? == 0 {
        ready::leave(unit, name, id, record)?;
    }
    Ok(())
}

/// Puts a task that is not claimed any more where it waits for `due`, or ready at that end of its list.
///
/// How long it has until somebody must have claimed it begins anew.
pub fn wait(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    end: End,
    settings: &Settings,
) -> Answer<Went> {
    record.state = State::Waiting;
    record.worker = 0;
    record.lease = 0;
    let now = unit.env.wall;
    expiring::note(unit, name, id, record, due.unwrap_or(now).max(now))?;
    let went = match due.filter(|due| *due > unit.env.wall) {
        Some(due) => {
            record.due = due;
            unit.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
            unit.memory.agenda.at_wall(name, due);
            Went::Scheduled
        }
        None => arrive::arrive(unit, name, id, record, end, settings)?,
    };
    unit.keys.set_start(name.task(id), &record.write())?;
    Ok(went)
}

/// Puts a task among the dead and keeps their number within the limit.
pub fn bury(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    why: &'static str,
    settings: &Settings,
) -> Answer<Went> {
    conclude(unit, name, id, record, Fate::Dead(why), settings)?;
    record.state = State::Dead;
    record.worker = 0;
    record.lease = 0;
    unit.keys.set_start(name.task(id), &record.write())?;
    let died = unit.env.wall;
    unit.keys.zadd(name.index(Index::Dead), &[(died.0, id)])?;
    unit.memory.totals.dead += 1;
    unit.memory.queue(name).totals.dead += 1;
    unit.memory
        .agenda
        .at_wall(name, died.after(settings.dead_retain(&unit.env.settings)));
    trim_dead(unit, name, settings)?;
    Ok(Went::Dead)
}

/// Removes dead tasks beyond `dead-limit` and `dead-retain`, the oldest first, a hundred at most. Whether
/// more are to go.
pub fn trim_dead(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let dead = name.index(Index::Dead);
    let surplus = unit
        .keys
        .zcard(dead)?
        .saturating_sub(settings.dead_limit(&unit.env.settings));
    let expired = unit.env.wall.0 - settings.dead_retain(&unit.env.settings);
    let mut oldest = unit.keys.zlowest(dead, i64::MAX, surplus.min(TRIM))?;
    if oldest.len() < TRIM {
        let old = unit.keys.zlowest(dead, expired, TRIM)?;
        if old.len() > oldest.len() {
            oldest = old;
        }
    }
    for (_, id) in &oldest {
        erase(unit, name, id)?;
    }
    unit.keys.zrem_lowest(dead, oldest.len())?;
    if oldest.len() == TRIM {
        unit.memory.agenda.now(name);
    }
    Ok(oldest.len() == TRIM)
}

/// Removes the record of an id that leaves an index, if it is a task of ours.
pub fn erase(unit: &mut Unit<'_>, name: &Name, id: &[u8]) -> Answer<()> {
    match ready::look(unit, name, id) {
        Some(mut record) => remove(unit, name, id, &mut record),
        None => {
            unit.memory.skip_foreign(name, "an id without a record");
            Ok(())
        }
    }
}

/// A claim is lost: the lease ran out, the connection closed or the worker died. It uses up an attempt, and is told.
/// The task goes to the head of its list, or to the dead when it was lost too often. The caller has taken it out
/// of the claimed set, and serves.
pub fn lose(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    why: Loss,
    settings: &Settings,
) -> Answer<Went> {
    let event = ("lost", record.attempt(), why.word());
    tell(unit, name, id, record, event, settings)?;
    forget_claim(unit, name, record);
    unit.memory.totals.lost += 1;
    unit.memory.queue(name).totals.lost += 1;
    if record.has(CANCELLED) {
        remove(unit, name, id, record)?;
        return Ok(Went::Cancelled);
    }
    record.attempts += 1;
    record.lost += 1;
    let options = extra::options(unit.keys, name, id, record);
    let most = extra::attempts(unit, &options, settings);
    if record.lost > settings.max_lost(&unit.env.settings) {
        return bury(unit, name, id, record, "lost", settings);
    }
    if record.attempts >= most {
        return bury(unit, name, id, record, "attempts", settings);
    }
    wait(unit, name, id, record, None, End::Head, settings)
}

/// A claim is given back: no attempt used. The task goes to the head of its list, or waits for `due`. The caller has
/// taken it out of the claimed set, and serves.
pub fn give_back(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    settings: &Settings,
) -> Answer<Went> {
    forget_claim(unit, name, record);
    if record.has(CANCELLED) {
        remove(unit, name, id, record)?;
        return Ok(Went::Cancelled);
    }
    wait(unit, name, id, record, due, End::Head, settings)
}
