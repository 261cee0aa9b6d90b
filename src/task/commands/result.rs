//! TASK.RESULT and TASK.MRESULT: what became of tasks, waiting for it if told to.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::names::{Id, Name};
use crate::reply::Reply;
use crate::task;
use crate::task::outcome::{self, KnownEnd};
use crate::tx::{Command, Response, Tx};
use crate::waiting::result_wait::{Quorum, ResultWait};
use crate::waiting::{Timeout, WaitFor};

/// TASK.RESULT.
pub(crate) struct TaskResult;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let id = Id::from_slice(args.text("id").as_bytes());
        hear(tx, args, caller, name, ResultWait::new(vec![id], Quorum::One))
    }
}

/// TASK.MRESULT.
pub(crate) struct MResult;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let ids = args.items().iter().map(|id| Id::from_slice(id.as_bytes())).collect();
        let enough = if args.has("ANY") { Quorum::Any } else { Quorum::All };
        hear(tx, args, caller, name, ResultWait::new(ids, enough))
    }
}

/// What is known now, if that is enough; else the wait, or null.
fn hear(
    tx: &mut Tx<'_>,
    args: &Args<'_>,
    caller: &Caller<'_>,
    name: Name,
    mut ends: ResultWait,
) -> Result<Response, Error> {
    let settings = task::settings(queue)?;
    for id in ends.ids().to_vec() {
        match outcome::known(queue, &id)? {
            KnownEnd::Running => {}
            KnownEnd::Ended(conclusion) => ends.note(&id, Some(&conclusion)),
            KnownEnd::Gone => ends.note(&id, None),
        }
    }
    if ends.is_enough() {
        return ends.reply().map(Response::Reply);
    }
    let Some(patience) = Timeout::asked(args, caller) else {
        return Ok(Reply::NullArray.into());
    };
    // What others do to its keys is told to a queue in memory only.
    queue.memory();
    Ok(Response::Wait(WaitFor::Results(name, Box::new(ends)), patience))
}
