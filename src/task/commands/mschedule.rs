//! TASK.MSCHEDULE: many tasks in one step.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_COUNT, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task;
use crate::task::commands::schedule::{
    ATTEMPTS, BACKOFF, EXPIRE, GROUP, LEASE, PRIORITY, RETAIN, TO, WHEN, check_payload,
};
use crate::task::dispatch::{limits, serve};
use crate::task::index::dependencies::{self, AFTER};
use crate::task::new_task::New;
use crate::task::reply_to::{self, REPLY};
use crate::tx::{Command, Response, Tx};

/// TASK.MSCHEDULE.
pub(crate) struct MSchedule;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let mut new = New::from_args(args, &queue.context)?;
        reply_to::check(args, &name, caller)?;
        let settings = task::settings(queue)?;
        new.options.after = dependencies::check(args, queue)?;
        new.check(queue)?;
        let payloads = args.items_of("numtasks");
        for payload in payloads {
            check_payload(payload.as_bytes(), &queue.context)?;
        }
        limits::ensure_length(queue, payloads.len())?;
        let ids = new.add_all(queue, payloads)?;
        serve::serve(queue);
        Ok(Reply::Array(ids.into_iter().map(Reply::Id).collect()).into())
    }
}
