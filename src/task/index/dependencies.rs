//! AFTER: a task that is blocked until others of its queue are acknowledged.
//!
//! `task:{q}:after:<parent>` has the tasks that wait for the end of one, each with the fence it was born with; a flag
//! in the parent's header says that there are some. The child's extra fields say how many ends it still waits for.
//! When a parent ends, its children are settled at the end of that transaction, so many as one step may have; what is left
//! stands in the queue's hash and is done by the tick.

use std::collections::BTreeSet;

use crate::command::{Arg, Args, Kind, MAX_COUNT};
use crate::error::{Error, Result};
use crate::names::{Id, Index, Name};
use crate::settings::{QueueSettings, settling_field};
use crate::task::header::{AWAITED, CANCELLED, Record, TaskState};
use crate::task::index::{blocked, ready};
use crate::task::lifecycle::{self, Outcome};
use crate::task::{self, events, options};
use crate::tx::Tx;
use crate::waiting::result_wait::ParentEnd;

/// AFTER.
pub(crate) const AFTER: Arg = Arg::option(
    "AFTER",
    "after",
    Kind::Group(&[
        Arg::value("numids", Kind::Counted(MAX_COUNT, &[Arg::ID])),
        Arg::flag("MISSINGOK"),
        Arg::option("ONFAIL", "onfail", Kind::Words(&["CANCEL", "RUN"])),
    ]),
);

/// Children that one transaction settles: a thousand would keep all other clients waiting for 8 ms (measured).
const SETTLED: usize = 128;

/// Those among the ids of AFTER that have not ended, each once. `NOTASK` for one that is unknown, unless MISSINGOK says
/// that it counts as acknowledged, and for one that has ended otherwise, unless this does not matter (ONFAIL RUN).
pub(crate) fn check(
    args: &Args<'_>,
    tx: &mut Tx<'_>,
    name: &Name,
    settings: &QueueSettings,
) -> Result<Vec<String>, Error> {
    let mut parents = Vec::new();
    if !args.has("AFTER") {
        return Ok(parents);
    }
    if args.has("REPLACE") {
        return Err(Error::BadArg("AFTER contradicts REPLACE: give one of them".into()));
    }
    tx.keys.ensure_type(name.index(Index::Blocked))?;
    let runs_anyway = args.word("ONFAIL") == Some("RUN");
    let mut seen = BTreeSet::new();
    let ids = args.items_of("numids").iter().map(|id| id.as_text());
    for id in ids.filter(|id| seen.insert(*id)) {
        let parent = task::find(tx, name, id.as_bytes(), settings)?;
        let failed = match parent.as_ref().map(|parent| parent.state) {
            None if args.has("MISSINGOK") => continue,
            None => return Err(Error::NoParent(id.into(), "unknown")),
            Some(TaskState::Done | TaskState::Removed) => continue,
            Some(TaskState::Dead) => "dead",
            Some(TaskState::Claimed) if parent.is_some_and(|parent| parent.has(CANCELLED)) => "cancelled",
            Some(_) => {
                tx.keys.ensure_type(name.after(id.as_bytes()))?;
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
pub(crate) fn wait(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record, parents: &[String]) -> Result<()> {
    for parent in parents {
        link(tx, name, id, record, parent.as_bytes())?;
    }
    put_count(tx, name, id, parents.len())?;
    blocked::block(tx, name, id, record)
}

/// The child is told of the parent's end.
fn link(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record, parent: &[u8]) -> Result<()> {
    tx.keys.zadd(name.after(parent), &[(born(record.fence), id)])?;
    if let Some(mut of_parent) = ready::look(tx, name, parent).filter(|of_parent| !of_parent.has(AWAITED)) {
        of_parent.flags |= AWAITED;
        tx.keys.set_start(name.task(parent), &of_parent.write())?;
    }
    Ok(())
}

fn born(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

fn put_count(tx: &mut Tx<'_>, name: &Name, id: &[u8], count: usize) -> Result<()> {
    let count = count.to_string();
    tx.keys.hset(name.options(id), &[(options::WAITS, count.as_bytes())])
}

/// How many ends a blocked task waits for; `None` for one that is blocked by its group.
pub(crate) fn waits(tx: &mut Tx<'_>, name: &Name, id: &[u8]) -> Option<usize> {
    let count = tx.keys.hget(name.options(id), options::WAITS).unwrap_or(None)?;
    // Nonsense is as if it were the last one.
    Some(
        std::str::from_utf8(&count)
            .ok()
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
    )
}

/// A blocked task waits for nothing any more: it leaves the lines of those it waited for.
pub(crate) fn unlink(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    if record.state != TaskState::Blocked || waits(tx, name, id).is_none() {
        return;
    }
    for parent in options::options(tx.keys, name, id, record).after {
        // In a key of another type there is nothing of it.
        let _ = tx.keys.zrem(name.after(parent.as_bytes()), &[id]);
    }
    let _ = tx.keys.hdel(name.options(id), &[options::WAITS]);
}

/// A task came to its end, or goes without one: those that wait for it hear of it at the end of this transaction. The caller
/// writes or removes the header.
pub(crate) fn ended(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record, done: bool) {
    if record.has(AWAITED) {
        record.flags &= !AWAITED;
        tx.state.parent_ends.push_back(ParentEnd {
            name: name.clone(),
            parent: Id::from_slice(id),
            done,
        });
    }
}

/// Settles the children of the tasks that ended in this transaction, and of those that end by it, as many as one may.
pub(crate) fn settle(tx: &mut Tx<'_>) {
    let mut left = SETTLED;
    while let Some(end) = tx.state.parent_ends.pop_front() {
        let settled = children(tx, &end, i64::MAX, left).and_then(|count| {
            left -= count;
            if left == 0 { put_off(tx, &end) } else { Ok(()) }
        });
        if let Err(error) = settled {
            complain(tx, &end.name, &error.to_string());
        }
    }
}

/// Leaves the rest of the children to the tick; also should the server stop now.
fn put_off(tx: &mut Tx<'_>, end: &ParentEnd) -> Result<()> {
    if tx.keys.zcard(end.name.after(&end.parent))? == 0 {
        return Ok(());
    }
    // Should the id be given to another task meanwhile, that one's children are born later.
    let number = tx.next_fence(0);
    let how = format!("{number} {}", if end.done { "done" } else { "failed" });
    let field = settling_field(&end.parent);
    tx.keys.hset(end.name.queue(), &[(&field, how.as_bytes())])?;
    tx.state.queue(&end.name).settings = None;
    tx.state.wakeups.now(&end.name);
    Ok(())
}

/// A slice of the children that were left over. Whether there are more.
pub(crate) fn go_on(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let Some(rest) = settings.settling.first() else {
        return Ok(false);
    };
    let end = ParentEnd {
        name: name.clone(),
        parent: rest.parent.clone(),
        done: rest.done,
    };
    if children(tx, &end, born(rest.below).saturating_sub(1), SETTLED)? < SETTLED {
        tx.keys.hdel(name.queue(), &[&settling_field(&rest.parent)])?;
        tx.state.queue(name).settings = None;
    }
    Ok(true)
}

/// Settles the children of a parent that were born before, so many at most; replies how many.
fn children(tx: &mut Tx<'_>, end: &ParentEnd, before: i64, most: usize) -> Result<usize> {
    let settings = task::settings(tx, &end.name)?;
    let line = end.name.after(&end.parent);
    let children = tx.keys.zlowest(line, before, most)?;
    for (fence, id) in &children {
        tx.keys.zrem(line, &[id])?;
        let record = ready::look(tx, &end.name, id).filter(|record| {
            record.state == TaskState::Blocked && born(record.fence) == *fence && task::exists(record, &settings)
        });
        if let Some(record) = record
            && let Err(error) = one(tx, end, id, record, &settings)
        {
            complain(tx, &end.name, &error.to_string());
        }
    }
    Ok(children.len())
}

/// The child waits for one end less, and goes on after the last; or it goes with a parent that failed.
fn one(tx: &mut Tx<'_>, end: &ParentEnd, id: &[u8], record: Record, settings: &QueueSettings) -> Result<()> {
    let name = &end.name;
    let Some(count) = waits(tx, name, id) else {
        return Ok(());
    };
    if !end.done && !options::options(tx.keys, name, id, &record).onfail_run {
        return abandon(tx, name, id, record, &end.parent, settings);
    }
    if count > 1 {
        return put_count(tx, name, id, count - 1);
    }
    free(tx, name, id, record, settings)
}

fn free(tx: &mut Tx<'_>, name: &Name, id: &[u8], mut record: Record, settings: &QueueSettings) -> Result<()> {
    blocked::ensure_types(tx, name, id, &record)?;
    tx.keys.hdel(name.options(id), &[options::WAITS])?;
    tx.state.to_serve.insert(name.clone());
    blocked::go_on(tx, name, id, &mut record, settings)
}

/// Cancels the child of a task that did not succeed.
fn abandon(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    mut record: Record,
    parent: &[u8],
    settings: &QueueSettings,
) -> Result<()> {
    blocked::ensure_types(tx, name, id, &record)?;
    events::ensure_types(tx, name, settings)?;
    let why = format!("after {}", String::from_utf8_lossy(parent));
    tx.keys.zrem(name.index(Index::Blocked), &[id])?;
    lifecycle::conclude(tx, name, id, &mut record, Outcome::Cancelled(&why), settings)?;
    lifecycle::remove(tx, name, id, &mut record)?;
    tx.state.totals.cancelled += 1;
    tx.state.queue(name).totals.cancelled += 1;
    Ok(())
}

/// Looks after a task that waits for others, which somebody else may have changed: a parent that is gone without a
/// word, deleted by hand or evicted, did not succeed.
pub(crate) fn look_at(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: Record, settings: &QueueSettings) -> Result<()> {
    let options = options::options(tx.keys, name, id, &record);
    let mut left = 0;
    for parent in &options.after {
        let parent = parent.as_bytes();
        if settings.settling.iter().any(|rest| rest.parent.as_slice() == parent) {
            // The tick will come to it.
            left += 1;
            continue;
        }
        let linked = tx.keys.zscore(name.after(parent), id)?.is_some();
        let found = task::find(tx, name, parent, settings).unwrap_or(None);
        // One that it is not told of any more has ended, and may be another task of that id by now, unless somebody
        // took the whole line away.
        let is_told = |tx: &mut Tx<'_>| Ok(linked || tx.keys.zcard(name.after(parent))? == 0);
        if found.as_ref().is_some_and(|parent| parent.has(AWAITED)) && is_told(tx)? {
            left += 1;
            link(tx, name, id, &record, parent)?;
        } else if linked {
            tx.keys.zrem(name.after(parent), &[id])?;
            let done = found.is_some_and(|parent| parent.state == TaskState::Done);
            if !done && !options.onfail_run {
                return abandon(tx, name, id, record, parent, settings);
            }
        }
    }
    match left {
        0 => free(tx, name, id, record, settings),
        left if waits(tx, name, id) != Some(left) => put_count(tx, name, id, left),
        _ => Ok(()),
    }
}

fn complain(tx: &mut Tx<'_>, name: &Name, what: &str) {
    tx.state
        .skip_foreign(name, &format!("a task that waits for others: {what}"));
}
