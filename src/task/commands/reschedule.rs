//! TASK.RESCHEDULE: another due time or priority for a task that waits.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Type;
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
        let due = due(args, &queue.context);
        let priority = args.int("PRIORITY").and_then(|priority| u8::try_from(priority).ok());
        if due.is_none() && priority.is_none() {
            return Err(Error::BadArg("give DELAY, AT or PRIORITY".into()));
        }
        let settings = task::settings(queue)?;
        let mut record = queue.find(id)?.ok_or(Error::NoTask)?;
        if record.state != TaskState::Waiting {
            return Err(Error::NotWaiting(task::place(queue, id, &record)?));
        }
        let priority = priority.unwrap_or(record.priority);
        queue.keys.ensure_type(queue.name.index(Index::Scheduled), Type::SortedSet)?;
        queue.keys.ensure_type(queue.name.queue(), Type::Hash)?;
        lifecycle::ensure_enqueue_types(queue, id, &record)?;
        ready::ensure_types(queue, priority)?;
        expiry::ensure_types(queue, &record)?;
        let before = record.due;
        change(queue, id, &mut record, due, priority)?;
        if record.due != before && record.state == TaskState::Waiting {
            let ready = record.due.max(queue.context.wall);
            expiry::note(queue, id, &record, ready)?;
        }
        queue.keys.set_start(queue.name.task(id), &record.write())?;
        serve::serve(queue);
        Ok(Reply::Int(record.due.0).into())
    }
}

/// Moves a task that waits to where it belongs with that due time and priority; without a due time it keeps its
/// own, and one that is ready keeps its place when it stays ready. One that would be ready may be blocked instead.
/// The caller has checked all keys, and writes the header.
pub(crate) fn change(
    queue: &mut Queue<'_>,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
) -> Result<()> {
    if queue.keys.zscore(queue.name.index(Index::Scheduled), id)?.is_some() {
        scheduled(queue, id, record, due, priority)
    } else {
        ready(queue, id, record, due, priority)
    }
}

fn scheduled(
    queue: &mut Queue<'_>,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
) -> Result<()> {
    record.priority = priority;
    let Some(due) = due else {
        return Ok(());
    };
    record.due = due;
    if due > queue.context.wall {
        queue.keys.zadd(queue.name.index(Index::Scheduled), &[(due.0, id)])?;
        queue.wake_at(due);
        return Ok(());
    }
    queue.keys.zrem(queue.name.index(Index::Scheduled), &[id])?;
    lifecycle::enqueue(queue, id, record, End::Tail)?;
    Ok(())
}

fn ready(queue: &mut Queue<'_>, id: &[u8], record: &mut Record, due: Option<Wall>, priority: u8) -> Result<()> {
    if let Some(due) = due.filter(|due| *due > queue.context.wall) {
        ready::leave(queue, id, record)?;
        record.priority = priority;
        record.due = due;
        queue.keys.zadd(queue.name.index(Index::Scheduled), &[(due.0, id)])?;
        queue.wake_at(due);
    } else if priority != record.priority {
        ready::leave(queue, id, record)?;
        record.priority = priority;
        ready::push(queue, id, record, End::Tail)?;
    }
    Ok(())
}
