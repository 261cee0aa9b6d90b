//! TASK.RESCHEDULE: another due time or priority for a task that waits.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::commands::schedule::{PRIORITY, WHEN, due};
use crate::task::dispatch::serve;
use crate::task::header::{Record, TaskState};
use crate::task::index::expiry;
use crate::task::index::ready::{self, End};
use crate::task::{self, lifecycle};
use crate::time::Wall;
use crate::tx::{Command, Response, Tx};

/// TASK.RESCHEDULE.
pub(crate) struct Reschedule;

impl Command for Reschedule {
    const SPEC: Spec = Spec {
        name: "TASK.RESCHEDULE",
        summary: "Changes when a scheduled or ready task is due, or its priority.",
        complexity: "O(log N) for N scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, WHEN, PRIORITY],
        reply: "the due time, unix ms",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let id = args.text("id").as_bytes();
        let due = due(args, &tx.context);
        let priority = args.int("PRIORITY").and_then(|priority| u8::try_from(priority).ok());
        if due.is_none() && priority.is_none() {
            return Err(Error::BadArg("give DELAY, AT or PRIORITY".into()));
        }
        let settings = task::settings(tx, &name)?;
        let mut record = task::find(tx, &name, id, &settings)?.ok_or(Error::NoTask)?;
        if record.state != TaskState::Waiting {
            return Err(Error::NotWaiting(task::place(tx, &name, id, &record)?));
        }
        let priority = priority.unwrap_or(record.priority);
        tx.keys.ensure_type(name.index(Index::Scheduled))?;
        tx.keys.ensure_type(name.queue())?;
        lifecycle::ensure_enqueue_types(tx, &name, id, &record)?;
        ready::ensure_types(tx, &name, priority)?;
        expiry::ensure_types(tx, &name, &record)?;
        let before = record.due;
        change(tx, &name, id, &mut record, due, priority, &settings)?;
        if record.due != before && record.state == TaskState::Waiting {
            let ready = record.due.max(tx.context.wall);
            expiry::note(tx, &name, id, &record, ready)?;
        }
        tx.keys.set_start(name.task(id), &record.write())?;
        serve::serve(tx, &name);
        Ok(Reply::Int(record.due.0).into())
    }
}

/// Moves a task that waits to where it belongs with that due time and priority; without a due time it keeps its
/// own, and one that is ready keeps its place when it stays ready. One that would be ready may be blocked instead.
/// The caller has checked all keys, and writes the header.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
    settings: &QueueSettings,
) -> Result<()> {
    if tx.keys.zscore(name.index(Index::Scheduled), id)?.is_some() {
        scheduled(tx, name, id, record, due, priority, settings)
    } else {
        ready(tx, name, id, record, due, priority)
    }
}

fn scheduled(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
    settings: &QueueSettings,
) -> Result<()> {
    record.priority = priority;
    let Some(due) = due else {
        return Ok(());
    };
    record.due = due;
    if due > tx.context.wall {
        tx.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
        tx.state.wakeups.at_wall(name, due);
        return Ok(());
    }
    tx.keys.zrem(name.index(Index::Scheduled), &[id])?;
    lifecycle::enqueue(tx, name, id, record, End::Tail, settings)?;
    Ok(())
}

fn ready(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record, due: Option<Wall>, priority: u8) -> Result<()> {
    if let Some(due) = due.filter(|due| *due > tx.context.wall) {
        ready::leave(tx, name, id, record)?;
        record.priority = priority;
        record.due = due;
        tx.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
        tx.state.wakeups.at_wall(name, due);
    } else if priority != record.priority {
        ready::leave(tx, name, id, record)?;
        record.priority = priority;
        ready::push(tx, name, id, record, End::Tail)?;
    }
    Ok(())
}
