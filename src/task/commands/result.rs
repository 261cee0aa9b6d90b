//! TASK.RESULT and TASK.MRESULT: how tasks ended, with BLOCK waiting for it.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Id;
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::outcome::{self, KnownEnd};
use crate::time::Ms;
use crate::waiting::result_wait::{Quorum, ResultWait};
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct ResultArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// TASK.RESULT.
pub(crate) struct TaskResult;

impl Command for TaskResult {
    type Args<'a> = ResultArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RESULT",
        summary: "Tells how a task ended; with BLOCK, waits for its end. Without RETAIN, only clients that are already waiting get the result.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: ResultArgs::ARGS,
        reply: "map `state` (done, dead, cancelled or expired), `result`, `error`, `progress`; null when it has not ended",
        errors: &[("NOTASK", "there is no such task: it never existed, or had no RETAIN")],
    };

    fn run(args: &ResultArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let id = Id::from_slice(args.id.as_bytes());
        respond(
            queue,
            Timeout::asked(args.block, caller),
            ResultWait::new(vec![id], Quorum::One),
        )
    }
}

arguments! {
    pub(crate) struct MResultArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        ids: Vec<&'a str> = Arg::counted("numids", MAX_COUNT, &Arg::ID).means("how many tasks, and their ids"),
        any: bool = Arg::flag("ANY").means("those that have ended, waiting for the first"),
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// TASK.MRESULT.
pub(crate) struct MResult;

impl Command for MResult {
    type Args<'a> = MResultArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MRESULT",
        summary: "Tells how several tasks ended; with BLOCK, waits until all have.",
        complexity: "O(N) for N ids",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: MResultArgs::ARGS,
        reply: "array of maps `id`, `state` (null: no such task; `unread`: it ended, but the reply has 1 MiB of values already), `result`, `error`, `progress`; null unless all, with ANY one, have ended",
        errors: &[],
    };

    fn run(args: &MResultArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let ids = args.ids.iter().map(|id| Id::from_slice(id.as_bytes())).collect();
        let quorum = if args.any { Quorum::Any } else { Quorum::All };
        respond(queue, Timeout::asked(args.block, caller), ResultWait::new(ids, quorum))
    }
}

/// What is known now, if that is a quorum; else the wait, or null.
fn respond(queue: &mut Queue<'_>, timeout: Option<Timeout>, mut wait: ResultWait) -> Result<Response> {
    for id in wait.ids().to_vec() {
        match outcome::known(queue, &id, !wait.is_full())? {
            KnownEnd::Running => {}
            KnownEnd::Ended(end) => wait.record(&id, Some(&end)),
            KnownEnd::Gone => wait.record(&id, None),
        }
    }
    if wait.has_quorum() {
        return wait.reply().map(Response::Reply);
    }
    let Some(timeout) = timeout else {
        return Ok(Reply::NullArray.into());
    };
    // Keyspace events only reach queues in memory, so that this one must be there.
    queue.memory();
    let wait = WaitFor::Results(queue.name.clone(), Box::new(wait));
    Ok(Response::Wait(wait, timeout))
}
