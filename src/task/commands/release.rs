//! TASK.RELEASE and TASK.MRELEASE: give a claimed task back without using up an attempt.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::commands::claims::ClaimsArgs;
use crate::task::handle::Queue;
use crate::task::index::claimed;
use crate::task::lifecycle;
use crate::time::{MAX_DELAY, Ms};

const DELAY: Typed<Option<Ms>> =
    Arg::duration("DELAY", 0, MAX_DELAY).means("due again after this time; by default at once");

arguments! {
    pub(crate) struct ReleaseArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        delay: Option<Ms> = DELAY,
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
        errors: &[
            (
                "NOTASK",
                "the task does not exist any more: it was acknowledged, or removed",
            ),
            (
                "STALE",
                "the claim is over: the task is ready again, claimed again, or has ended",
            ),
        ],
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

arguments! {
    pub(crate) struct MReleaseArgs<'a> {
        claims: ClaimsArgs<'a> = Arg::shared(),
        delay: Option<Ms> = DELAY,
    }
}

/// TASK.MRELEASE.
pub(crate) struct MRelease;

impl Command for MRelease {
    type Args<'a> = MReleaseArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MRELEASE",
        summary: "Gives several claimed tasks back, each on its own; the attempts do not count. The first task given is the first to be claimed again.",
        complexity: "O(N log M) for N tasks given and M claimed and scheduled",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: MReleaseArgs::ARGS,
        reply: "array of OK, STALE, NOTASK or CANCELLED",
        errors: &[],
    };

    fn run(args: &MReleaseArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        args.claims.ensure(queue, lifecycle::ensure_end_types)?;
        let due = args.delay.map(|delay| queue.context.wall.after(delay));
        let mut replies = Vec::with_capacity(args.claims.tasks.len());
        // Each goes before the head of its list.
        for claim in args.claims.tasks.iter().rev() {
            replies.push(claim.step(queue, |queue, task| {
                claimed::remove(queue, task)?;
                lifecycle::release(queue, task, due).map(|_| ())
            })?);
        }
        replies.reverse();
        queue.serve_waiters();
        Ok(Reply::Array(replies).into())
    }
}
