//! AFTER: a task that is blocked until others of its queue are acknowledged.
//!
//! `task:{q}:after:<parent>` has the tasks that wait for the end of one, each with the fence it was born with; a flag
//! in the parent's header says that there are some. The child's extra fields say how many ends it still waits for.
//! When a parent ends, its children are settled at the end of that unit, so many as one step may have; what is left
//! stands in the queue's hash and is done by the tick.

use std::collections::BTreeSet;

use crate::ends::ParentEnd;
use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Id, Index, Name};
use crate::settings::{Settings, settling_field};
use crate::spec::{Arg, Args, Kind, MAX_COUNT};
use crate::task::ending::{self, Fate};
use crate::task::record::{AWAITED, CANCELLED, Record, State};
use crate::task::{blocked, events, extra, ready};
use crate::unit::Unit;

#[cfg(test)]
mod tests;

/// AFTER.
pub const AFTER: Arg = Arg::option(
    "AFTER",
    "after",
    Kind::Group(&[
        Arg::value("numids", Kind::Counted(MAX_COUNT, &[Arg::ID])),
        Arg::flag("MISSINGOK"),
        Arg::option("ONFAIL", "onfail", Kind::Words(&["CANCEL", "RUN"])),
    ]),
);

/// Children that one unit settles: a thousand would keep all other clients waiting for 8 ms (measured).
const SETTLED: usize = 128;

/// Those among the ids of AFTER that have not ended, each once. `NOTASK` for one that is unknown, unless MISSINGOK says
/// that it counts as acknowledged, and for one that has ended otherwise, unless this does not matter (ONFAIL RUN).
pub fn check(args: &Args<'_>, unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Result<Vec<String>, Error> {
    let mut parents = Vec::new();
    if !args.has("AFTER") {
        return Ok(parents);
    }
    if args.has("REPLACE") {
        return Err(Error::BadArg("AFTER contradicts REPLACE: give one of them".into()));
    }
    unit.keys.expect(name.index(Index::Blocked), Type::SortedSet)?;
    let runs_anyway = args.word("ONFAIL") == Some("RUN");
    let mut seen = BTreeSet::new();
    let ids = args.items_of("numids").iter().map(|id| id.as_text());
    for id in ids.filter(|id| seen.insert(*id)) {
        let parent = super::find(unit, name, id.as_bytes(), settings)?;
        let failed = match parent.as_ref().map(|parent| parent.state) {
            None if args.has("MISSINGOK") => continue,
            None => return Err(Error::NoParent(id.into(), "unknown")),
            Some(State::Done | State::Removed) => continue,
            Some(State::Dead) => "dead",
            Some(State::Claimed) if parent.is_some_and(|parent| parent.has(CANCELLED)) => "cancelled",
            Some(_) => {
                unit.keys.expect(name.after(id.as_bytes()), Type::SortedSet)?;
                parents.push(id.to_string());
                continue;
            }
        };
        if !runs_anyway {
            return Err(Error::NoParent(id.into(), failed));
        }
    }
    Ok(parents)
}

/// Blocks a new task, whose record the caller writes, until these have ended.
pub fn wait(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record, parents: &[String]) -> Answer<()> {
    for parent in parents {
        link(unit, name, id, record, parent.as_bytes())?;
    }
    put_count(unit, name, id, parents.len())?;
    blocked::block(unit, name, id, record)
}

/// The child is told of the parent's end.
fn link(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, parent: &[u8]) -> Answer<()> {
    unit.keys.zadd(name.after(parent), &[(born(record.fence), id)])?;
    if let Some(mut of_parent) = ready::look(unit, name, parent).filter(|of_parent| !of_parent.has(AWAITED)) {
        of_parent.flags |= AWAITED;
        unit.keys.set_start(name.task(parent), &of_parent.write())?;
    }
    Ok(())
}

fn born(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

fn put_count(unit: &mut Unit<'_>, name: &Name, id: &[u8], count: usize) -> Answer<()> {
    let count = count.to_string();
    unit.keys.hset(name.extra(id), &[(extra::WAITS, count.as_bytes())])
}

/// How many ends a blocked task waits for; `None` for one that is blocked by its group.
pub fn waits(unit: &mut Unit<'_>, name: &Name, id: &[u8]) -> Option<usize> {
    let count = unit.keys.hget(name.extra(id), extra::WAITS).unwrap_or(None)?;
    // Nonsense is as if it were the last one.
    Some(
        std::str::from_utf8(&count)
            .ok()
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
    )
}

/// A blocked task waits for nothing any more: it leaves the lines of those it waited for.
pub fn unlink(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) {
    if record.state != State::Blocked || waits(unit, name, id).is_none() {
        return;
    }
    for parent in extra::options(unit.keys, name, id, record).after {
        // In a key of another type there is nothing of it.
        let _ = unit.keys.zrem(name.after(parent.as_bytes()), &[id]);
    }
    let _ = unit.keys.hdel(name.extra(id), &[extra::WAITS]);
}

/// A task came to its end, or goes without one: those that wait for it hear of it at the end of this unit. The caller
/// writes or removes the header.
pub fn ended(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record, done: bool) {
    if record.has(AWAITED) {
        record.flags &= !AWAITED;
        unit.memory.parent_ends.push_back(ParentEnd {
            name: name.clone(),
            parent: Id::from_slice(id),
            done,
        });
    }
}

/// Settles the children of the tasks that ended in this unit, and of those that end by it, as many as one may.
pub fn settle(unit: &mut Unit<'_>) {
    let mut left = SETTLED;
    while let Some(end) = unit.memory.parent_ends.pop_front() {
        let settled = children(unit, &end, i64::MAX, left).and_then(|count| {
            left -= count;
            if left == 0 { put_off(unit, &end) } else { Ok(()) }
        });
        if let Err(error) = settled {
            complain(unit, &end.name, &error.to_string());
        }
    }
}

/// Leaves the rest of the children to the tick; also should the server stop now.
fn put_off(unit: &mut Unit<'_>, end: &ParentEnd) -> Answer<()> {
    if unit.keys.zcard(end.name.after(&end.parent))? == 0 {
        return Ok(());
    }
    // Should the id be given to another task meanwhile, that one's children are born later.
    let number = unit.next_fence(0);
    let how = format!("{number} {}", if end.done { "done" } else { "failed" });
    let field = settling_field(&end.parent);
    unit.keys.hset(end.name.queue(), &[(&field, how.as_bytes())])?;
    unit.memory.queue(&end.name).settings = None;
    unit.memory.agenda.now(&end.name);
    Ok(())
}

/// A slice of the children that were left over. Whether there are more.
pub fn go_on(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let Some(rest) = settings.settling.first() else {
        return Ok(false);
    };
    let end = ParentEnd {
        name: name.clone(),
        parent: rest.parent.clone(),
        done: rest.done,
    };
    if children(unit, &end, born(rest.below).saturating_sub(1), SETTLED)? < SETTLED {
        unit.keys.hdel(name.queue(), &[&settling_field(&rest.parent)])?;
        unit.memory.queue(name).settings = None;
    }
    Ok(true)
}

/// Settles the children of a parent that were born before, so many at most; replies how many.
fn children(unit: &mut Unit<'_>, end: &ParentEnd, before: i64, most: usize) -> Answer<usize> {
    let settings = super::settings(unit, &end.name)?;
    let line = end.name.after(&end.parent);
    let children = unit.keys.zlowest(line, before, most)?;
    for (fence, id) in &children {
        unit.keys.zrem(line, &[id])?;
        let record = ready::look(unit, &end.name, id).filter(|record| {
            record.state == State::Blocked && born(record.fence) == *fence && super::exists(record, &settings)
        });
        if let Some(record) = record
            && let Err(error) = one(unit, end, id, record, &settings)
        {
            complain(unit, &end.name, &error.to_string());
        }
    }
    Ok(children.len())
}

/// The child waits for one end less, and goes on after the last; or it goes with a parent that failed.
fn one(unit: &mut Unit<'_>, end: &ParentEnd, id: &[u8], record: Record, settings: &Settings) -> Answer<()> {
    let name = &end.name;
    let Some(count) = waits(unit, name, id) else {
        return Ok(());
    };
    if !end.done && !extra::options(unit.keys, name, id, &record).onfail_run {
        return abandon(unit, name, id, record, &end.parent, settings);
    }
    if count > 1 {
        return put_count(unit, name, id, count - 1);
    }
    free(unit, name, id, record, settings)
}

fn free(unit: &mut Unit<'_>, name: &Name, id: &[u8], mut record: Record, settings: &Settings) -> Answer<()> {
    blocked::expect(unit, name, id, &record)?;
    unit.keys.hdel(name.extra(id), &[extra::WAITS])?;
    unit.memory.to_serve.insert(name.clone());
    blocked::go_on(unit, name, id, &mut record, settings)
}

/// Cancels the child of a task that did not succeed.
fn abandon(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    mut record: Record,
    parent: &[u8],
    settings: &Settings,
) -> Answer<()> {
    blocked::expect(unit, name, id, &record)?;
    events::expect(unit, name, settings)?;
    let why = format!("after {}", String::from_utf8_lossy(parent));
    unit.keys.zrem(name.index(Index::Blocked), &[id])?;
    ending::conclude(unit, name, id, &mut record, Fate::Cancelled(&why), settings)?;
    ending::remove(unit, name, id, &mut record)?;
    unit.memory.totals.cancelled += 1;
    unit.memory.queue(name).totals.cancelled += 1;
    Ok(())
}

/// Looks after a task that waits for others, which somebody else may have changed: a parent that is gone without a
/// word, deleted by hand or evicted, did not succeed.
pub fn look_at(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: Record, settings: &Settings) -> Answer<()> {
    let options = extra::options(unit.keys, name, id, &record);
    let mut left = 0;
    for parent in &options.after {
        let parent = parent.as_bytes();
        if settings.settling.iter().any(|rest| rest.parent.as_slice() == parent) {
            // The tick will come to it.
            left += 1;
            continue;
        }
        let linked = unit.keys.zscore(name.after(parent), id)?.is_some();
        let found = super::find(unit, name, parent, settings).unwrap_or(None);
        // One that it is not told of any more has ended, and may be another task of that id by now, unless somebody
        // took the whole line away.
        let is_told = |unit: &mut Unit<'_>| Ok(linked || unit.keys.zcard(name.after(parent))? == 0);
        if found.as_ref().is_some_and(|parent| parent.has(AWAITED)) && is_told(unit)? {
            left += 1;
            link(unit, name, id, &record, parent)?;
        } else if linked {
            unit.keys.zrem(name.after(parent), &[id])?;
            let done = found.is_some_and(|parent| parent.state == State::Done);
            if !done && !options.onfail_run {
                return abandon(unit, name, id, record, parent, settings);
            }
        }
    }
    match left {
        0 => free(unit, name, id, record, settings),
        left if waits(unit, name, id) != Some(left) => put_count(unit, name, id, left),
        _ => Ok(()),
    }
}

fn complain(unit: &mut Unit<'_>, name: &Name, what: &str) {
    unit.memory
        .skip_foreign(name, &format!("a task that waits for others: {what}"));
}
