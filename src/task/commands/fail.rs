//! TASK.FAIL: an attempt went wrong.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::dispatch::serve;
use crate::task::header::CANCELLED;
use crate::task::index::ready::End;
use crate::task::lifecycle::{self, NewState};
use crate::task::{self, ClaimedArgs, options};
use crate::time::{MAX_DELAY, Ms};
use crate::tx::Tx;

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
    const SPEC: Spec = Spec {
        name: "TASK.FAIL",
        summary: "Fails a claimed task: it is tried again after its backoff, or is dead when no attempts are left.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: FailArgs::ARGS,
        reply: "map `state` (scheduled, ready or dead; cancelled if it was), `due`, `attempt`",
    };

    fn run(args: &FailArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(&args.claim, caller, tx)?;
        let id = args.claim.id.as_bytes();
        lifecycle::ensure_end_types(tx, &name, id, &record, &settings)?;

        lifecycle::unclaim(tx, &name, id, &record)?;
        tx.state.totals.failed += 1;
        tx.state.queue(&name).totals.failed += 1;
        record.attempts += 1;
        let attempt = record.attempts;
        let went = if record.has(CANCELLED) {
            lifecycle::remove(tx, &name, id, &mut record)?;
            NewState::Cancelled
        } else {
            if let Some(error) = args.error {
                let error = options::cut(error);
                options::put(tx, &name, id, &mut record, options::ERROR, error)?;
            }
            let options = options::options(tx.keys, &name, id, &record);
            if let Some(Then::Dead) = args.then {
                lifecycle::bury(tx, &name, id, &mut record, "failed", &settings)?
            } else if attempt >= options::attempts(tx, &options, &settings) {
                lifecycle::bury(tx, &name, id, &mut record, "attempts", &settings)?
            } else {
                let salt = record.fence;
                let delay = match args.then {
                    Some(Then::Delay(delay)) => delay,
                    _ => options::backoff(&options, &settings).wait(attempt, &tx.context, salt),
                };
                let due = tx.context.wall.after(delay);
                record.due = due;
                lifecycle::wait(tx, &name, id, &mut record, Some(due), End::Tail, &settings)?
            }
        };
        serve::serve(tx, &name);
        let (state, due) = match went {
            NewState::Scheduled => ("scheduled", Some(record.due.0)),
            NewState::Ready => ("ready", Some(record.due.0)),
            NewState::Blocked => ("blocked", Some(record.due.0)),
            NewState::Dead => ("dead", None),
            NewState::Cancelled => ("cancelled", None),
        };
        Ok(Reply::Map(vec![
            ("state", Reply::Word(state)),
            ("due", Reply::int_or_null(due)),
            ("attempt", Reply::number(attempt)),
        ])
        .into())
    }
}
