//! TASK.CANCEL: a task is not wanted any more.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Type;
use crate::names::{Id, Index, Name};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::header::{CANCELLED, Record, TaskState};
use crate::task::index::ready;
use crate::task::lifecycle::{self, Outcome};
use crate::task::{self, events};
use crate::tx::{Command, Response, Tx};

/// TASK.CANCEL.
pub(crate) struct Cancel;

impl Command for Cancel {
    const SPEC: Spec = Spec {
        name: "TASK.CANCEL",
        summary: "Cancels tasks: a waiting one is gone at once, a claimed one when its claim ends.",
        complexity: "O(N log M) for N ids and M scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::value("ids", Kind::Many(&[Arg::ID]))],
        reply: "how many were cancelled",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(queue)?;
        queue.keys.ensure_type(queue.name.index(Index::Scheduled), Type::SortedSet)?;
        queue.keys.ensure_type(queue.name.index(Index::Blocked), Type::SortedSet)?;
        ready::ensure_types_all(queue)?;
        events::ensure_types(queue)?;
        let mut cancelled = 0;
        for id in args.items() {
            cancelled += u64::from(cancel(queue, id.as_bytes())?);
        }
        queue.state.totals.cancelled += cancelled;
        if cancelled > 0 {
            queue.memory().totals.cancelled += cancelled;
        }
        Ok(Reply::number(cancelled).into())
    }
}

fn cancel(queue: &mut Queue<'_>, id: &[u8]) -> Result<bool> {
    // Foreign values under the id are no task: there is nothing to cancel.
    let Ok(Some(mut record)) = queue.find(id) else {
        return Ok(false);
    };
    match record.state {
        TaskState::Waiting | TaskState::Blocked => {
            lifecycle::take_out(queue, id, &mut record)?;
            lifecycle::conclude(queue, id, &mut record, Outcome::Cancelled(""))?;
            lifecycle::remove(queue, id, &mut record)?;
            Ok(true)
        }
        TaskState::Claimed if !record.has(CANCELLED) => {
            record.flags |= CANCELLED;
            note(queue, id, &record);
            lifecycle::conclude(queue, id, &mut record, Outcome::Cancelled(""))?;
            queue.keys.set_start(queue.name.task(id), &record.write())?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Remembers that a claimed task was cancelled, for the beats of its worker.
pub(crate) fn note(queue: &mut Queue<'_>, id: &[u8], record: &Record) {
    // A foreign value in the place of the workers: nobody can be told.
    if let Ok(Some(worker)) = task::worker_name(queue, record.worker) {
        let cancelled = &mut queue.memory().cancelled;
        cancelled.insert(&worker, record.fence, Id::from_slice(id));
    }
}
