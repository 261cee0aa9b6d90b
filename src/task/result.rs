//! TASK.RESULT and TASK.MRESULT: what became of tasks, waiting for it if told to.

use crate::ends::{Ends, Enough};
use crate::env::Caller;
use crate::error::Error;
use crate::names::{Id, Name};
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::task::conclusion::{self, Known};
use crate::unit::{Command, Outcome, Unit};
use crate::waiting::{Patience, Wish};

/// TASK.RESULT.
pub struct TaskResult;

impl Command for TaskResult {
    const SPEC: Spec = Spec {
        name: "TASK.RESULT",
        summary: "Tells how a task ended, waiting for that if told to. A task that is not kept when it is done is known only to those who wait.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, Arg::BLOCK],
        reply: "map `state` (done, dead, cancelled or expired), `result`, `error`, `progress`; null when it has not ended",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let id = Id::from_slice(args.text("id").as_bytes());
        hear(unit, args, caller, name, Ends::new(vec![id], Enough::One))
    }
}

/// TASK.MRESULT.
pub struct MResult;

impl Command for MResult {
    const SPEC: Spec = Spec {
        name: "TASK.MRESULT",
        summary: "Tells how several tasks ended, waiting for all if told to; with ANY those that have ended, waiting for one.",
        complexity: "O(N) for N ids",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("numids", Kind::Counted(MAX_COUNT, &[Arg::ID])),
            Arg::flag("ANY"),
            Arg::BLOCK,
        ],
        reply: "array of maps `id`, `state` (null: no such task), `result`, `error`, `progress`; null when not all, with ANY none, have ended",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let ids = args.items().iter().map(|id| Id::from_slice(id.as_bytes())).collect();
        let enough = if args.has("ANY") { Enough::Any } else { Enough::All };
        hear(unit, args, caller, name, Ends::new(ids, enough))
    }
}

/// What is known now, if that is enough; else the wait, or null.
fn hear(
    unit: &mut Unit<'_>,
    args: &Args<'_>,
    caller: &Caller<'_>,
    name: Name,
    mut ends: Ends,
) -> Result<Outcome, Error> {
    let settings = super::settings(unit, &name)?;
    for id in ends.ids().to_vec() {
        match conclusion::known(unit, &name, &id, &settings)? {
            Known::Running => {}
            Known::Ended(conclusion) => ends.note(&id, Some(&conclusion)),
            Known::Gone => ends.note(&id, None),
        }
    }
    if ends.is_enough() {
        return ends.reply().map(Outcome::Reply);
    }
    let Some(patience) = Patience::asked(args, caller) else {
        return Ok(Reply::NullArray.into());
    };
    // What others do to its keys is told to a queue in memory only.
    unit.memory.queue(&name);
    Ok(Outcome::Wait(Wish::Results(name, Box::new(ends)), patience))
}
