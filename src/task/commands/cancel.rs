//! TASK.CANCEL: a task is not wanted any more.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
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
        let settings = task::settings(tx, &name)?;
        tx.keys.ensure_type(name.index(Index::Scheduled))?;
        tx.keys.ensure_type(name.index(Index::Blocked))?;
        ready::ensure_types_all(tx, &name)?;
        events::ensure_types(tx, &name, &settings)?;
        let mut cancelled = 0;
        for id in args.items() {
            cancelled += u64::from(cancel(tx, &name, id.as_bytes(), &settings)?);
        }
        tx.state.totals.cancelled += cancelled;
        if cancelled > 0 {
            tx.state.queue(&name).totals.cancelled += cancelled;
        }
        Ok(Reply::number(cancelled).into())
    }
}

fn cancel(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Result<bool> {
    // Foreign values under the id are no task: there is nothing to cancel.
    let Ok(Some(mut record)) = task::find(tx, name, id, settings) else {
        return Ok(false);
    };
    match record.state {
        TaskState::Waiting | TaskState::Blocked => {
            lifecycle::take_out(tx, name, id, &mut record)?;
            lifecycle::conclude(tx, name, id, &mut record, Outcome::Cancelled(""), settings)?;
            lifecycle::remove(tx, name, id, &mut record)?;
            Ok(true)
        }
        TaskState::Claimed if !record.has(CANCELLED) => {
            record.flags |= CANCELLED;
            note(tx, name, id, &record);
            lifecycle::conclude(tx, name, id, &mut record, Outcome::Cancelled(""), settings)?;
            tx.keys.set_start(name.task(id), &record.write())?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Remembers that a claimed task was cancelled, for the beats of its worker.
pub(crate) fn note(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    // A foreign value in the place of the workers: nobody can be told.
    if let Ok(Some(worker)) = task::worker_name(tx, name, record.worker) {
        let cancelled = &mut tx.state.queue(name).cancelled;
        cancelled.insert(&worker, record.fence, Id::from_slice(id));
    }
}
