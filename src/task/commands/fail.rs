//! TASK.FAIL: an attempt went wrong.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::handle::Queue;
use crate::task::lifecycle::{self, NewState, Retry};
use crate::time::{MAX_DELAY, Ms};

arguments! {
    /// What becomes of the task.
    pub(crate) enum Then {
        Delay(ms: Ms) = Arg::duration("DELAY", 0, MAX_DELAY),
        Dead = Arg::flag("DEAD"),
    }
}

arguments! {
    pub(crate) struct FailArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        error: Option<&'a [u8]> = Arg::option("ERROR", Arg::bytes("message")),
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
    };

    fn run(args: &FailArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = args.claim.find(queue)?;
        lifecycle::ensure_end_types(queue, &task)?;
        let retry = match args.then {
            None => Retry::Backoff,
            Some(Then::Delay(ms)) => Retry::After(ms),
            Some(Then::Dead) => Retry::Never,
        };
        let state = lifecycle::fail(queue, &mut task, args.error, retry)?;
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
