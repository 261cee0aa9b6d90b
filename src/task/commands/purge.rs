//! TASK.PURGE: remove the tasks of one state.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec, Value};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Scored;
use crate::names::{Index, Name, PRIORITIES};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::header::{Record, TaskState};
use crate::task::index::ready;
use crate::task::{self, lifecycle};
use crate::time::{MAX_DELAY, Ms};
use crate::tx::{Command, Response, Tx};

/// Scheduled or done tasks one call looks at for those that are old enough; when they are due, or how long they are
/// kept, tells nothing about age.
const LOOKED_AT: usize = 10_000;

/// TASK.PURGE.
pub(crate) struct Purge;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(tx, &name)?;
        let count = usize::try_from(args.int("COUNT").unwrap_or(MAX_COUNT)).unwrap_or(0);
        let older = args.int("OLDER");
        let state = args.word("state").unwrap_or_default();
        if args.has("IDS") {
            if let Some(other) = ["OLDER", "COUNT"].into_iter().find(|other| args.has(other)) {
                return Err(Error::BadArg(format!("IDS contradicts {other}: give one of them")));
            }
            return Ok(Reply::count(these(tx, &name, state, args.items_of("IDS"), &settings)?).into());
        }
        let removed = match state {
            "ready" => ready_tasks(tx, &name, older, count, &settings)?,
            "dead" => since(tx, &name, Index::Dead, older, count)?,
            "blocked" => since(tx, &name, Index::Blocked, older, count)?,
            "done" => {
                let tasks = older_ones(tx, &name, Index::Done, older, count, &settings)?;
                sorted(tx, &name, Index::Done, &tasks)?
            }
            _ => {
                let tasks = older_ones(tx, &name, Index::Scheduled, older, count, &settings)?;
                sorted(tx, &name, Index::Scheduled, &tasks)?
            }
        };
        Ok(Reply::count(removed).into())
    }
}

/// Removes those of these tasks that are in the state.
fn these(
    tx: &mut Tx<'_>,
    name: &Name,
    state: &str,
    ids: &[Value<'_>],
    settings: &QueueSettings,
) -> Result<usize, Error> {
    for index in [Index::Scheduled, Index::Blocked, Index::Done, Index::Dead] {
        tx.keys.ensure_type(name.index(index))?;
    }
    ready::ensure_types_all(tx, name)?;
    let mut removed = 0;
    for id in ids {
        let id = id.as_bytes();
        // Foreign values under the id are no task.
        let Ok(Some(mut record)) = task::find(tx, name, id, settings) else {
            continue;
        };
        if task::place(tx, name, id, &record)? != state {
            continue;
        }
        match record.state {
            TaskState::Dead => _ = tx.keys.zrem(name.index(Index::Dead), &[id])?,
            TaskState::Done => _ = tx.keys.zrem(name.index(Index::Done), &[id])?,
            _ => lifecycle::take_out(tx, name, id, &mut record)?,
        }
        lifecycle::remove(tx, name, id, &mut record)?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes tasks of a set whose scores say since when they are there.
fn since(tx: &mut Tx<'_>, name: &Name, index: Index, older: Option<Ms>, count: usize) -> Result<usize> {
    let latest = older.map_or(i64::MAX, |older| tx.context.wall.0 - older);
    let tasks = tx.keys.zlowest(name.index(index), latest, count)?;
    sorted(tx, name, index, &tasks)
}

fn sorted(tx: &mut Tx<'_>, name: &Name, index: Index, members: &[Scored]) -> Result<usize> {
    let ids: Vec<&[u8]> = members.iter().map(|(_, id)| id.as_slice()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    for id in &ids {
        lifecycle::erase(tx, name, id)?;
    }
    tx.keys.zrem(name.index(index), &ids)
}

/// Tasks of a set that were scheduled, or done, that long ago: until it is claimed, a task's fence is the time of its
/// birth in µs, and once it is done, of that.
fn older_ones(
    tx: &mut Tx<'_>,
    name: &Name,
    index: Index,
    older: Option<Ms>,
    count: usize,
    settings: &QueueSettings,
) -> Result<Vec<Scored>> {
    let index = name.index(index);
    let Some(older) = older else {
        return tx.keys.zlowest(index, i64::MAX, count);
    };
    let latest = tx.context.wall.0.saturating_sub(older);
    let is_older = |record: Record| i64::try_from(record.fence / 1_000).is_ok_and(|moment| moment <= latest);
    let mut found = Vec::new();
    for member in tx.keys.zwalk(index, None, false, LOOKED_AT)? {
        let record = task::find(tx, name, &member.1, settings).unwrap_or(None);
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
    tx: &mut Tx<'_>,
    name: &Name,
    older: Option<Ms>,
    count: usize,
    settings: &QueueSettings,
) -> Result<usize> {
    ready::ensure_types_all(tx, name)?;
    let mut removed = 0;
    let mut looked_at = 0;
    for priority in 0..PRIORITIES {
        let mut ghosts = 0;
        while removed < count && looked_at < LOOKED_AT {
            looked_at += 1;
            let list = name.ready(priority);
            let Some(id) = tx.keys.lrange(list, 0, 1)?.pop() else {
                break;
            };
            let record = ready::look(tx, name, &id);
            match record {
                Some(mut record) if ready::counts(&record, priority, settings) => {
                    if older.is_some_and(|older| tx.context.wall.since(record.due) < older) {
                        break;
                    }
                    tx.keys.lpop(list)?;
                    lifecycle::remove(tx, name, &id, &mut record)?;
                    removed += 1;
                }
                record => {
                    tx.keys.lpop(list)?;
                    ghosts += i64::from(ready::discard(tx, name, &id, priority, record)?);
                }
            }
        }
        ready::change_ghosts(tx, name, priority, -ghosts)?;
    }
    if removed < count {
        removed += since(tx, name, Index::Targeted, older, count - removed)?;
    }
    Ok(removed)
}
