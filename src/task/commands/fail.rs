//! TASK.FAIL: an attempt went wrong.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::dispatch::serve;
use crate::task::header::CANCELLED;
use crate::task::index::ready::End;
use crate::task::lifecycle::{self, NewState};
use crate::task::{self, options};
use crate::time::MAX_DELAY;
use crate::tx::{Command, Response, Tx};

/// TASK.FAIL.
pub(crate) struct Fail;

impl Command for Fail {
    const SPEC: Spec = Spec {
        name: "TASK.FAIL",
        summary: "Fails a claimed task: it is tried again after its backoff, or is dead when no attempts are left.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::ID,
            Arg::TOKEN,
            Arg::option("ERROR", "message", Kind::Bytes),
            Arg::value(
                "then",
                Kind::OneOf(&[Arg::duration("DELAY", 0, MAX_DELAY), Arg::flag("DEAD")]),
            ),
        ],
        reply: "map `state` (scheduled, ready or dead; cancelled if it was), `due`, `attempt`",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(args, caller, tx)?;
        let id = args.text("id").as_bytes();
        lifecycle::ensure_end_types(queue, id, &record)?;

        lifecycle::unclaim(queue, id, &record)?;
        queue.state.totals.failed += 1;
        queue.memory().totals.failed += 1;
        record.attempts += 1;
        let attempt = record.attempts;
        let went = if record.has(CANCELLED) {
            lifecycle::remove(queue, id, &mut record)?;
            NewState::Cancelled
        } else {
            if args.has("ERROR") {
                let error = options::cut(args.bytes("ERROR"));
                options::put(queue, id, &mut record, options::ERROR, error)?;
            }
            let options = options::options(queue.keys, &name, id, &record);
            if args.has("DEAD") {
                lifecycle::bury(queue, id, &mut record, "failed")?
            } else if attempt >= options::attempts(tx, &options) {
                lifecycle::bury(queue, id, &mut record, "attempts")?
            } else {
                let salt = record.fence;
                let delay = args
                    .int("DELAY")
                    .unwrap_or_else(|| options::backoff(&options).wait(attempt, &queue.context, salt));
                let due = queue.context.wall.after(delay);
                record.due = due;
                lifecycle::wait(queue, id, &mut record, Some(due), End::Tail)?
            }
        };
        serve::serve(queue);
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
