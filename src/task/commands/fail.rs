//! TASK.FAIL and TASK.MFAIL: an attempt went wrong.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::commands::claims::ClaimsArgs;
use crate::task::handle::Queue;
use crate::task::lifecycle::{self, NewState, Retry};
use crate::time::{MAX_DELAY, Ms};

arguments! {
    /// What becomes of the task.
    pub(crate) enum Then {
        Delay(ms: Ms) = Arg::duration("DELAY", 0, MAX_DELAY)
            .means("due again after this time, and not after its backoff"),
        Dead = Arg::flag("DEAD").means("dead, whatever attempts are left"),
    }
}

arguments! {
    pub(crate) struct FailArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        error: Option<&'a [u8]> = Arg::option("ERROR", Arg::bytes("message"))
            .means("what went wrong; its first 4,096 bytes are kept"),
        then: Option<Then> = Arg::one_of("then"),
    }
}

/// TASK.FAIL.
pub(crate) struct Fail;

impl Command for Fail {
    type Args<'a> = FailArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.FAIL",
        summary: "Fails a claimed task: it is retried after its backoff, or dead when no attempts are left.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: FailArgs::ARGS,
        reply: "map `state` (scheduled, ready, blocked or dead; cancelled if it was), `due_at`, `attempt`",
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

    fn run(args: &FailArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = args.claim.find(queue)?;
        lifecycle::ensure_end_types(queue, &task)?;
        let state = lifecycle::fail(queue, &mut task, args.error, retry(args.then.as_ref()))?;
        queue.serve_waiters();
        let due_at = match state {
            NewState::Scheduled | NewState::Ready | NewState::Blocked => Some(task.header.due.0),
            NewState::Dead | NewState::Cancelled => None,
        };
        Ok(Reply::Map(vec![
            ("state", Reply::Word(state.word())),
            ("due_at", Reply::int_or_null(due_at)),
            ("attempt", Reply::number(task.header.attempts)),
        ])
        .into())
    }
}

fn retry(then: Option<&Then>) -> Retry {
    match then {
        None => Retry::Backoff,
        Some(Then::Delay(ms)) => Retry::After(*ms),
        Some(Then::Dead) => Retry::Never,
    }
}

arguments! {
    pub(crate) struct MFailArgs<'a> {
        claims: ClaimsArgs<'a> = Arg::shared(),
        error: Option<&'a [u8]> = Arg::option("ERROR", Arg::bytes("message"))
            .means("what went wrong; its first 4,096 bytes are kept"),
        then: Option<Then> = Arg::one_of("then"),
    }
}

/// TASK.MFAIL.
pub(crate) struct MFail;

impl Command for MFail {
    type Args<'a> = MFailArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MFAIL",
        summary: "Fails several claimed tasks, each on its own, with the same options.",
        complexity: "O(N log M) for N tasks given and M claimed and scheduled",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: MFailArgs::ARGS,
        reply: "array of OK, STALE, NOTASK or CANCELLED",
        errors: &[],
    };

    fn run(args: &MFailArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        args.claims.ensure(queue, lifecycle::ensure_end_types)?;
        let retry = retry(args.then.as_ref());
        let mut replies = Vec::with_capacity(args.claims.tasks.len());
        for claim in &args.claims.tasks {
            replies.push(claim.step(queue, |queue, task| {
                lifecycle::fail(queue, task, args.error, retry).map(|_| ())
            })?);
        }
        queue.serve_waiters();
        Ok(Reply::Array(replies).into())
    }
}
