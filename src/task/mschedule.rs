//! TASK.MSCHEDULE: many tasks in one step.

use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::task::after::{self, AFTER};
use crate::task::new::New;
use crate::task::replies::{self, REPLY};
use crate::task::schedule::{ATTEMPTS, BACKOFF, EXPIRE, GROUP, LEASE, PRIORITY, RETAIN, TO, WHEN, check_payload};
use crate::task::{limits, serve};
use crate::unit::{Command, Outcome, Unit};

/// TASK.MSCHEDULE.
pub struct MSchedule;

impl Command for MSchedule {
    const SPEC: Spec = Spec {
        name: "TASK.MSCHEDULE",
        summary: "Schedules several tasks with the same options, all or none.",
        complexity: "O(N) for N tasks, O(N log M) with a delay",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value(
                "numtasks",
                Kind::Counted(MAX_COUNT, &[Arg::value("payload", Kind::Bytes)]),
            ),
            WHEN,
            PRIORITY,
            ATTEMPTS,
            BACKOFF,
            LEASE,
            EXPIRE,
            RETAIN,
            GROUP,
            TO,
            REPLY,
            AFTER,
        ],
        reply: "array of ids, in the order of the payloads",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let mut new = New::from_args(args, &unit.env)?;
        replies::check(args, &name, caller)?;
        let settings = super::settings(unit, &name)?;
        new.options.after = after::check(args, unit, &name, &settings)?;
        new.check(unit, &name)?;
        let payloads = args.items_of("numtasks");
        for payload in payloads {
            check_payload(payload.as_bytes(), &unit.env)?;
        }
        limits::expect_length(unit, &name, payloads.len(), &settings)?;
        let ids = new.add_all(unit, &name, payloads, &settings)?;
        serve::serve(unit, &name);
        Ok(Reply::Array(ids.into_iter().map(Reply::Id).collect()).into())
    }
}
