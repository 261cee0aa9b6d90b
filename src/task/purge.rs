//! TASK.PURGE: remove the tasks of one state.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Scored, Type};
use crate::names::{Index, Name, PRIORITIES};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec, Value};
use crate::task::record::{Record, State};
use crate::task::{ending, ready};
use crate::time::{MAX_DELAY, Ms};
use crate::unit::{Command, Outcome, Unit};

#[cfg(test)]
mod tests;

/// Scheduled or done tasks one call looks at for those that are old enough; when they are due, or how long they are
/// kept, tells nothing about age.
const LOOKED_AT: usize = 10_000;

/// TASK.PURGE.
pub struct Purge;

impl Command for Purge {
    const SPEC: Spec = Spec {
        name: "TASK.PURGE",
        summary: "Removes scheduled, ready, blocked, done or dead tasks, with OLDER those that long in that state; 1,000 a call at most. With IDS those of them that are in that state.",
        complexity: "O(N log M) for N tasks removed of M in that state",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("state", Kind::Words(&["scheduled", "ready", "blocked", "done", "dead"])),
            Arg::duration("OLDER", 0, MAX_DELAY),
            Arg::COUNT,
            Arg::option("IDS", "numids", Kind::Counted(MAX_COUNT, &[Arg::ID])),
        ],
        reply: "how many were removed",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let settings = super::settings(unit, &name)?;
        let count = usize::try_from(args.int("COUNT").unwrap_or(MAX_COUNT)).unwrap_or(0);
        let older = args.int("OLDER");
        let state = args.word("state").unwrap_or_default();
        if args.has("IDS") {
            if let Some(other) = ["OLDER", "COUNT"].into_iter().find(|other| args.has(other)) {
                return Err(Error::BadArg(format!("IDS contradicts {other}: give one of them")));
            }
            return Ok(Reply::count(these(unit, &name, state, args.items_of("IDS"), &settings)?).into());
        }
        let removed = match state {
            "ready" => ready_tasks(unit, &name, older, count, &settings)?,
            "dead" => since(unit, &name, Index::Dead, older, count)?,
            "blocked" => since(unit, &name, Index::Blocked, older, count)?,
            "done" => {
                let tasks = older_ones(unit, &name, Index::Done, older, count, &settings)?;
                sorted(unit, &name, Index::Done, &tasks)?
            }
            _ => {
                let tasks = older_ones(unit, &name, Index::Scheduled, older, count, &settings)?;
                sorted(unit, &name, Index::Scheduled, &tasks)?
            }
        };
        Ok(Reply::count(removed).into())
    }
}

/// Removes those of these tasks that are in the state.
fn these(
    unit: &mut Unit<'_>,
    name: &Name,
    state: &str,
    ids: &[Value<'_>],
    settings: &Settings,
) -> Result<usize, Error> {
    for index in [Index::Scheduled, Index::Blocked, Index::Done, Index::Dead] {
        unit.keys.expect(name.index(index), Type::SortedSet)?;
    }
    ready::expect_all(unit, name)?;
    let mut removed = 0;
    for id in ids {
        let id = id.as_bytes();
        // Foreign values under the id are no task.
        let Ok(Some(mut record)) = super::find(unit, name, id, settings) else {
            continue;
        };
        if super::place(unit, name, id, &record)? != state {
            continue;
        }
        match record.state {
            State::Dead => _ = unit.keys.zrem(name.index(Index::Dead), &[id])?,
            State::Done => _ = unit.keys.zrem(name.index(Index::Done), &[id])?,
            _ => ending::take_out(unit, name, id, &mut record)?,
        }
        ending::remove(unit, name, id, &mut record)?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes tasks of a set whose scores say since when they are there.
fn since(unit: &mut Unit<'_>, name: &Name, index: Index, older: Option<Ms>, count: usize) -> Answer<usize> {
    let latest = older.map_or(i64::MAX, |older| unit.env.wall.0 - older);
    let tasks = unit.keys.zlowest(name.index(index), latest, count)?;
    sorted(unit, name, index, &tasks)
}

fn sorted(unit: &mut Unit<'_>, name: &Name, index: Index, members: &[Scored]) -> Answer<usize> {
    let ids: Vec<&[u8]> = members.iter().map(|(_, id)| id.as_slice()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    for id in &ids {
        ending::erase(unit, name, id)?;
    }
    unit.keys.zrem(name.index(index), &ids)
}

/// Tasks of a set that were scheduled, or done, that long ago: until it is claimed, a task's fence is the time of its
/// birth in µs, and once it is done, of that.
fn older_ones(
    unit: &mut Unit<'_>,
    name: &Name,
    index: Index,
    older: Option<Ms>,
    count: usize,
    settings: &Settings,
) -> Answer<Vec<Scored>> {
    let index = name.index(index);
    let Some(older) = older else {
        return unit.keys.zlowest(index, i64::MAX, count);
    };
    let latest = unit.env.wall.0.saturating_sub(older);
    let is_older = |record: Record| i64::try_from(record.fence / 1_000).is_ok_and(|moment| moment <= latest);
    let mut found = Vec::new();
    for member in unit.keys.zwalk(index, None, false, LOOKED_AT)? {
        let record = super::find(unit, name, &member.1, settings).unwrap_or(None);
        if record.is_some_and(is_older) {
            found.push(member);
        }
        if found.len() >= count {
            break;
        }
    }
    Ok(found)
}

/// Takes ready tasks off the heads of their lists, the most urgent first, while they are old enough; then those that
/// are for one worker, the oldest first.
fn ready_tasks(
    unit: &mut Unit<'_>,
    name: &Name,
    older: Option<Ms>,
    count: usize,
    settings: &Settings,
) -> Answer<usize> {
    ready::expect_all(unit, name)?;
    let mut removed = 0;
    let mut looked_at = 0;
    for priority in 0..PRIORITIES {
        let mut stale = 0;
        while removed < count && looked_at < LOOKED_AT {
            looked_at += 1;
            let list = name.ready(priority);
            let Some(id) = unit.keys.lrange(list, 0, 1)?.pop() else {
                break;
            };
            let record = ready::look(unit, name, &id);
            match record {
                Some(mut record) if ready::counts(&record, priority, settings) => {
                    if older.is_some_and(|older| unit.env.wall.since(record.due) < older) {
                        break;
                    }
                    unit.keys.lpop(list)?;
                    ending::remove(unit, name, &id, &mut record)?;
                    removed += 1;
                }
                record => {
                    unit.keys.lpop(list)?;
                    stale += i64::from(ready::discard(unit, name, &id, priority, record)?);
                }
            }
        }
        ready::change_stale(unit, name, priority, -stale)?;
    }
    if removed < count {
        removed += since(unit, name, Index::Addressed, older, count - removed)?;
    }
    Ok(removed)
}
