//! TASK.PURGE: remove the tasks of one state.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES};
use crate::task::commands::filter::{self, Filter, StepArgs};
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::{dead, dependencies, done, later, ready, targeted};
use crate::task::lifecycle;
use crate::time::{MAX_DELAY, Ms};

/// Ids that one call scans at the heads of the ready lists.
const SCANNED: usize = 10_000;
/// The cursor when more ready tasks are left: the next step begins at the heads again.
const FROM_THE_HEADS: &[u8] = b"0:0:";

arguments! {
    pub(crate) struct PurgeArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        state: &'a str = Arg::words("state", &["scheduled", "ready", "blocked", "done", "dead"]).means("which tasks"),
        step: StepArgs<'a> = Arg::shared(),
        older: Option<Ms> = Arg::duration("OLDER", 0, MAX_DELAY)
            .means("only tasks that have been in this state for at least this long; for scheduled ones, since they were created"),
        ids: Option<Vec<&'a str>> = Arg::option("IDS", Arg::counted("numids", MAX_COUNT, &Arg::ID))
            .means("only these, without another filter"),
    }
}

/// TASK.PURGE.
pub(crate) struct Purge;

impl Command for Purge {
    type Args<'a> = PurgeArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.PURGE",
        summary: "Removes the tasks in one state that TASK.LIST shows with the same filters, one step a call. A step removes blocked tasks with at most 10,000 dependencies (AFTER).",
        complexity: "O(N log M) for N tasks looked at of M in that state",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: PurgeArgs::ARGS,
        reply: "the cursor of the next step (`0` at the end) and the number of tasks removed",
        errors: &[],
    };

    fn run(args: &PurgeArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let PurgeArgs { state, step, older, .. } = args;
        if let Some(ids) = &args.ids {
            let others = [
                ("OLDER", older.is_some()),
                ("COUNT", step.count.is_some()),
                ("CURSOR", step.cursor.is_some()),
                ("KIND", step.filter.kind.is_some()),
                ("MATCH", step.filter.pattern.is_some()),
                ("ATTEMPTED", step.filter.attempted),
            ];
            if let Some((other, _)) = others.into_iter().find(|(_, given)| *given) {
                return Err(Error::BadArg(format!("IDS contradicts {other}: give one of them")));
            }
            return Ok(filter::reply(b"0".to_vec(), these(queue, state, ids)?).into());
        }
        let mut filter = Filter::new(queue, state, &step.filter, None)?;
        if *state == "ready" && filter.takes_all() {
            let (next, removed) = ready_tasks(queue, *older, step.count.unwrap_or(MAX_COUNT))?;
            return Ok(filter::reply(next, removed).into());
        }
        filter.older = *older;
        ensure_types(queue)?;
        let (next, selected) = filter::select(queue, step, &filter)?;
        let removed = match index(state) {
            Some(index) => {
                let members: Vec<Scored> = selected.into_iter().map(|seen| seen.member).collect();
                sorted(queue, index, &members)?
            }
            None => {
                let tasks: Vec<Task> = selected.into_iter().filter_map(|seen| seen.task).collect();
                let removed = tasks.len();
                for mut task in tasks {
                    remove(queue, &mut task)?;
                }
                removed
            }
        };
        Ok(filter::reply(next, removed).into())
    }
}

/// The set of the tasks in this state; none for ready ones.
fn index(state: &str) -> Option<Index> {
    match state {
        "scheduled" => Some(Index::Scheduled),
        "blocked" => Some(Index::Blocked),
        "done" => Some(Index::Done),
        "dead" => Some(Index::Dead),
        _ => None,
    }
}

/// Errors with `WrongType` unless every key that a purge may write has the right type.
fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    for index in [Index::Scheduled, Index::Blocked, Index::Done, Index::Dead] {
        queue.keys.ensure_type(queue.name.index(index))?;
    }
    targeted::ensure_all_ready_types(queue)
}

fn remove(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    match task.header.state {
        TaskState::Dead => dead::remove(queue, task)?,
        state if state.is_kept() => done::remove(queue, task),
        _ => lifecycle::take_out(queue, task)?,
    }
    lifecycle::remove(queue, task)
}

/// Removes those of these tasks that are in the state.
fn these(queue: &mut Queue<'_>, state: &str, ids: &[&str]) -> Result<usize> {
    ensure_types(queue)?;
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
        remove(queue, &mut task)?;
        removed += 1;
    }
    Ok(removed)
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

/// Removes ready tasks from the heads of their lists, leaving no ghosts, the most urgent first, while
/// they are old enough; then targeted ones, the oldest first. Returns the cursor of the next step, too.
fn ready_tasks(queue: &mut Queue<'_>, older: Option<Ms>, count: usize) -> Result<(Vec<u8>, usize)> {
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
        let latest = older.map_or(i64::MAX, |older| queue.context.wall.0 - older);
        let targeted = queue.name.index(Index::Targeted);
        let tasks = queue.keys.zlowest(targeted, latest, count - removed)?;
        removed += sorted(queue, Index::Targeted, &tasks)?;
    }
    let more = removed == count || scanned == SCANNED;
    Ok((if more { FROM_THE_HEADS } else { b"0" }.to_vec(), removed))
}
