//! TASK.RELEASE: give a claimed task back without using up an attempt.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::handle::Queue;
use crate::task::index::claimed;
use crate::task::lifecycle;
use crate::time::{MAX_DELAY, Ms};

arguments! {
    pub(crate) struct ReleaseArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        delay: Option<Ms> = Arg::duration("DELAY", 0, MAX_DELAY),
    }
}

/// TASK.RELEASE.
pub(crate) struct Release;

impl Command for Release {
    type Args<'a> = ReleaseArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RELEASE",
        summary: "Gives a claimed task back; the attempt does not count.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ReleaseArgs::ARGS,
        reply: "OK",
    };

    fn run(args: &ReleaseArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = args.claim.find(queue)?;
        lifecycle::ensure_end_types(queue, &task)?;
        let due = args.delay.map(|delay| queue.context.wall.after(delay));
        claimed::remove(queue, &task)?;
        lifecycle::release(queue, &mut task, due)?;
        queue.serve_waiters();
        Ok(Reply::OK.into())
    }
}
