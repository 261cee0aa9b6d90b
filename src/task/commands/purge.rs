//! TASK.PURGE: remove the tasks of one state.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES};
use crate::reply::Reply;
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::{dead, dependencies, done, later, ready, targeted};
use crate::task::lifecycle;
use crate::time::{MAX_DELAY, Ms};

/// Scheduled or done tasks that one call scans for old enough ones: their scores, the due time or the end of the
/// retention, say nothing about their age.
const SCANNED: usize = 10_000;

arguments! {
    pub(crate) struct PurgeArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        state: &'a str = Arg::words("state", &["scheduled", "ready", "blocked", "done", "dead"]),
        older: Option<Ms> = Arg::duration("OLDER", 0, MAX_DELAY),
        count: Option<usize> = Arg::COUNT,
        ids: Option<Vec<&'a str>> = Arg::option("IDS", Arg::counted("numids", MAX_COUNT, &Arg::ID)),
    }
}

/// TASK.PURGE.
pub(crate) struct Purge;

impl Command for Purge {
    type Args<'a> = PurgeArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.PURGE",
        summary: "Removes tasks in one state, at most 1,000 a call, or blocked ones with 10,000 dependencies (AFTER). OLDER: only those in that state for at least that long. IDS: only these.",
        complexity: "O(N log M) for N tasks removed of M in that state",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: PurgeArgs::ARGS,
        reply: "number of tasks removed",
    };

    fn run(args: &PurgeArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let count = args.count.unwrap_or(MAX_COUNT);
        let older = args.older;
        let state = args.state;
        if let Some(ids) = &args.ids {
            let others = [("OLDER", older.is_some()), ("COUNT", args.count.is_some())];
            if let Some((other, _)) = others.into_iter().find(|(_, given)| *given) {
                return Err(Error::BadArg(format!("IDS contradicts {other}: give one of them")));
            }
            return Ok(Reply::count(these(queue, state, ids)?).into());
        }
        let removed = match state {
            "ready" => ready_tasks(queue, older, count)?,
            "dead" => since(queue, Index::Dead, older, count)?,
            "blocked" => since(queue, Index::Blocked, older, count)?,
            "done" => {
                let tasks = older_ones(queue, Index::Done, older, count)?;
                sorted(queue, Index::Done, &tasks)?
            }
            _ => {
                let tasks = older_ones(queue, Index::Scheduled, older, count)?;
                sorted(queue, Index::Scheduled, &tasks)?
            }
        };
        Ok(Reply::count(removed).into())
    }
}

/// Removes those of these tasks that are in the state.
fn these(queue: &mut Queue<'_>, state: &str, ids: &[&str]) -> Result<usize> {
    for index in [Index::Scheduled, Index::Blocked, Index::Done, Index::Dead] {
        queue.keys.ensure_type(queue.name.index(index))?;
    }
    targeted::ensure_all_ready_types(queue)?;
    dependencies::ensure_removable(queue, ids)?;
    let mut removed = 0;
    for id in ids {
        // A foreign value is not a task.
        let Ok(Some(mut task)) = queue.find(id.as_bytes()) else {
            continue;
        };
        if queue.place(&task)? != state {
            continue;
        }
        match task.header.state {
            TaskState::Dead => dead::remove(queue, &task)?,
            TaskState::Done => done::remove(queue, &task)?,
            _ => lifecycle::take_out(queue, &mut task)?,
        }
        lifecycle::remove(queue, &mut task)?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes tasks of a set whose scores say since when they are in it.
fn since(queue: &mut Queue<'_>, index: Index, older: Option<Ms>, count: usize) -> Result<usize> {
    let latest = older.map_or(i64::MAX, |older| queue.context.wall.0 - older);
    let mut tasks = queue.keys.zlowest(queue.name.index(index), latest, count)?;
    if index == Index::Blocked {
        let few = dependencies::removable(queue, tasks.iter().map(|(_, id)| id.as_slice()));
        tasks.truncate(few);
    }
    sorted(queue, index, &tasks)
}

fn sorted(queue: &mut Queue<'_>, index: Index, members: &[Scored]) -> Result<usize> {
    let unreadable = lifecycle::erase(queue, members)?;
    let ids = members.iter().map(|(_, id)| id.as_slice());
    let ids: Vec<&[u8]> = ids.filter(|id| !unreadable.contains(id)).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    queue.keys.zrem(queue.name.index(index), &ids)
}

/// Tasks of a set that were scheduled, or done, at least that long ago.
fn older_ones(queue: &mut Queue<'_>, index: Index, older: Option<Ms>, count: usize) -> Result<Vec<Scored>> {
    let Some(older) = older else {
        return queue.keys.zlowest(queue.name.index(index), i64::MAX, count);
    };
    let latest = queue.context.wall.0.saturating_sub(older);
    let is_older = |task: Task| match task.header.state {
        TaskState::Done => task.header.due.0 <= latest,
        // Until it is claimed, a task's fence is the time of its birth in µs.
        _ => i64::try_from(task.header.fence / 1_000).is_ok_and(|moment| moment <= latest),
    };
    let mut found = Vec::new();
    for member in queue.keys.zwalk(queue.name.index(index), None, false, SCANNED)? {
        if queue.find(&member.1).unwrap_or(None).is_some_and(is_older) {
            found.push(member);
        }
        if found.len() >= count {
            break;
        }
    }
    Ok(found)
}

/// Removes ready tasks from the heads of their lists, the most urgent first, while they are old enough; then targeted
/// ones, the oldest first.
fn ready_tasks(queue: &mut Queue<'_>, older: Option<Ms>, count: usize) -> Result<usize> {
    targeted::ensure_all_ready_types(queue)?;
    let mut removed = 0;
    let mut scanned = 0;
    for priority in 0..PRIORITIES {
        let mut ghosts = 0;
        while removed < count && scanned < SCANNED {
            scanned += 1;
            let Some(id) = queue.keys.lrange(queue.name.ready(priority), 0, 1)?.pop() else {
                break;
            };
            match queue.read_header(&id) {
                Some(mut task) if ready::counts(queue, &task.header, priority) => {
                    if older.is_some_and(|older| queue.context.wall.since(task.header.due) < older) {
                        break;
                    }
                    queue.keys.lpop(queue.name.ready(priority))?;
                    lifecycle::remove(queue, &mut task)?;
                    removed += 1;
                }
                // What is behind it comes up once a claim has moved it to the tail.
                None if later::is_later(queue, &id) => break,
                task => {
                    queue.keys.lpop(queue.name.ready(priority))?;
                    ghosts += i64::from(ready::discard(queue, priority, task)?);
                }
            }
        }
        ready::change_ghosts(queue, priority, -ghosts)?;
    }
    if removed < count {
        removed += since(queue, Index::Targeted, older, count - removed)?;
    }
    Ok(removed)
}
