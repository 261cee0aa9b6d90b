//! TASK.FAIL: an attempt went wrong.

use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec};
use crate::task::ending::{self, Went};
use crate::task::ready::End;
use crate::task::record::CANCELLED;
use crate::task::{extra, serve};
use crate::time::MAX_DELAY;
use crate::unit::{Command, Outcome, Unit};

/// TASK.FAIL.
pub struct Fail;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let (name, settings, mut record) = super::claim_of(args, caller, unit)?;
        let id = args.text("id").as_bytes();
        ending::check(unit, &name, id, &record, &settings)?;

        ending::unclaim(unit, &name, id, &record)?;
        unit.memory.totals.failed += 1;
        unit.memory.queue(&name).totals.failed += 1;
        record.attempts += 1;
        let attempt = record.attempts;
        let went = if record.has(CANCELLED) {
            ending::remove(unit, &name, id, &mut record)?;
            Went::Cancelled
        } else {
            if args.has("ERROR") {
                let error = extra::cut(args.bytes("ERROR"));
                extra::put(unit, &name, id, &mut record, extra::ERROR, error)?;
            }
            let options = extra::options(unit.keys, &name, id, &record);
            if args.has("DEAD") {
                ending::bury(unit, &name, id, &mut record, "failed", &settings)?
            } else if attempt >= extra::attempts(unit, &options, &settings) {
                ending::bury(unit, &name, id, &mut record, "attempts", &settings)?
            } else {
                let salt = record.fence;
                let delay = args
                    .int("DELAY")
                    .unwrap_or_else(|| extra::backoff(&options, &settings).wait(attempt, &unit.env, salt));
                let due = unit.env.wall.after(delay);
                record.due = due;
                ending::wait(unit, &name, id, &mut record, Some(due), End::Tail, &settings)?
            }
        };
        serve::serve(unit, &name);
        let (state, due) = match went {
            Went::Scheduled => ("scheduled", Some(record.due.0)),
            Went::Ready => ("ready", Some(record.due.0)),
            Went::Blocked => ("blocked", Some(record.due.0)),
            Went::Dead => ("dead", None),
            Went::Cancelled => ("cancelled", None),
        };
        Ok(Reply::Map(vec![
            ("state", Reply::Word(state)),
            ("due", Reply::int_or_null(due)),
            ("attempt", Reply::number(attempt)),
        ])
        .into())
    }
}
