//! TASK.RESULT and TASK.MRESULT: what became of tasks, waiting for it if told to.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::names::{Id, Name};
use crate::reply::Reply;
use crate::task;
use crate::task::outcome::{self, KnownEnd};
use crate::time::Ms;
use crate::tx::Tx;
use crate::waiting::result_wait::{Quorum, ResultWait};
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct ResultArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        id: &'a str = Arg::ID,
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// TASK.RESULT.
pub(crate) struct TaskResult;

impl Command for TaskResult {
    type Args<'a> = ResultArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.RESULT",
        summary: "Tells how a task ended, waiting for that if told to. A task that is not kept when it is done is known only to those who wait.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: ResultArgs::ARGS,
        reply: "map `state` (done, dead, cancelled or expired), `result`, `error`, `progress`; null when it has not ended",
    };

    fn run(args: &ResultArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let id = Id::from_slice(args.id.as_bytes());
        hear(
            tx,
            Timeout::asked(args.block, caller),
            name,
            ResultWait::new(vec![id], Quorum::One),
        )
    }
}

arguments! {
    pub(crate) struct MResultArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        ids: Vec<&'a str> = Arg::counted("numids", MAX_COUNT, &Arg::ID),
        any: bool = Arg::flag("ANY"),
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// TASK.MRESULT.
pub(crate) struct MResult;

impl Command for MResult {
    type Args<'a> = MResultArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.MRESULT",
        summary: "Tells how several tasks ended, waiting for all if told to; with ANY those that have ended, waiting for one.",
        complexity: "O(N) for N ids",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: MResultArgs::ARGS,
        reply: "array of maps `id`, `state` (null: no such task), `result`, `error`, `progress`; null when not all, with ANY none, have ended",
    };

    fn run(args: &MResultArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let ids = args.ids.iter().map(|id| Id::from_slice(id.as_bytes())).collect();
        let enough = if args.any { Quorum::Any } else { Quorum::All };
        hear(
            tx,
            Timeout::asked(args.block, caller),
            name,
            ResultWait::new(ids, enough),
        )
    }
}

/// What is known now, if that is enough; else the wait, or null.
fn hear(tx: &mut Tx<'_>, patience: Option<Timeout>, name: Name, mut ends: ResultWait) -> Result<Response, Error> {
    let settings = task::settings(tx, &name)?;
    for id in ends.ids().to_vec() {
        match outcome::known(tx, &name, &id, &settings)? {
            KnownEnd::Running => {}
            KnownEnd::Ended(conclusion) => ends.note(&id, Some(&conclusion)),
            KnownEnd::Gone => ends.note(&id, None),
        }
    }
    if ends.is_enough() {
        return ends.reply().map(Response::Reply);
    }
    let Some(patience) = patience else {
        return Ok(Reply::NullArray.into());
    };
    // What others do to its keys is told to a queue in memory only.
    tx.state.queue(&name);
    Ok(Response::Wait(WaitFor::Results(name, Box::new(ends)), patience))
}
