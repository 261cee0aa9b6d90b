//! TASK.CANCEL: a task is not wanted any more.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Id, Index, Name};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec};
use crate::task::ending::{self, Fate};
use crate::task::record::{CANCELLED, Record, State};
use crate::task::{events, ready};
use crate::unit::{Command, Outcome, Unit};

/// TASK.CANCEL.
pub struct Cancel;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let settings = super::settings(unit, &name)?;
        unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)?;
        unit.keys.expect(name.index(Index::Blocked), Type::SortedSet)?;
        ready::expect_all(unit, &name)?;
        events::expect(unit, &name, &settings)?;
        let mut cancelled = 0;
        for id in args.items() {
            cancelled += u64::from(cancel(unit, &name, id.as_bytes(), &settings)?);
        }
        unit.memory.totals.cancelled += cancelled;
        if cancelled > 0 {
            unit.memory.queue(&name).totals.cancelled += cancelled;
        }
        Ok(Reply::number(cancelled).into())
    }
}

fn cancel(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Answer<bool> {
    // Foreign values under the id are no task: there is nothing to cancel.
    let Ok(Some(mut record)) = super::find(unit, name, id, settings) else {
        return Ok(false);
    };
    match record.state {
        State::Waiting | State::Blocked => {
            ending::take_out(unit, name, id, &mut record)?;
            ending::conclude(unit, name, id, &mut record, Fate::Cancelled(""), settings)?;
            ending::remove(unit, name, id, &mut record)?;
            Ok(true)
        }
        State::Claimed if !record.has(CANCELLED) => {
            record.flags |= CANCELLED;
            note(unit, name, id, &record);
            ending::conclude(unit, name, id, &mut record, Fate::Cancelled(""), settings)?;
            unit.keys.set_start(name.task(id), &record.write())?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Remembers that a claimed task was cancelled, for the beats of its worker.
pub fn note(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) {
    // A foreign value in the place of the workers: nobody can be told.
    if let Ok(Some(worker)) = super::worker_name(unit, name, record.worker) {
        let cancelled = &mut unit.memory.queue(name).cancelled;
        cancelled.insert(&worker, record.fence, Id::from_slice(id));
    }
}
