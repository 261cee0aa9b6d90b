//! TASK.BURY: a task is given up.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::header::TaskState;
use crate::task::index::targeted;
use crate::task::lifecycle;

arguments! {
    pub(crate) struct BuryArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
        reason: Option<&'a [u8]> = Arg::option("REASON", Arg::bytes("text"))
            .means("why: it becomes the error of the task"),
    }
}

/// TASK.BURY.
pub(crate) struct Bury;

impl Command for Bury {
    type Args<'a> = BuryArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.BURY",
        summary: "Makes a scheduled, ready or claimed task dead; the token of its claim is stale.",
        complexity: "O(log N) for N scheduled, claimed and dead tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: BuryArgs::ARGS,
        reply: "OK",
        errors: &[(
            "NOTASK",
            "there is no such task, or it is neither scheduled, ready nor claimed",
        )],
    };

    fn run(args: &BuryArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = queue.find(args.id.as_bytes())?.ok_or(Error::NoTask)?;
        if !matches!(task.header.state, TaskState::Waiting | TaskState::Claimed) {
            return Err(Error::NotIn("waits or is claimed", queue.place(&task)?));
        }
        if task.is_cancelled() {
            return Err(Error::NotIn("waits or is claimed", "cancelled"));
        }
        lifecycle::ensure_end_types(queue, &task)?;
        targeted::ensure_all_ready_types(queue)?;
        lifecycle::give_up(queue, &mut task, args.reason)?;
        queue.serve_waiters();
        Ok(Reply::OK.into())
    }
}
