//! TASK.MSCHEDULE: many tasks in one step.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task;
use crate::task::commands::schedule::{PAYLOAD, RouteOptions, RunOptions, WHEN, When, check_payload};
use crate::task::dispatch::{limits, serve};
use crate::task::index::dependencies::{self, AFTER, AfterArgs};
use crate::task::new_task::New;
use crate::task::reply_to;
use crate::tx::Tx;

arguments! {
    pub(crate) struct MScheduleArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        payloads: Vec<&'a [u8]> = Arg::counted("numtasks", MAX_COUNT, &PAYLOAD),
        when: Option<When> = WHEN,
        run: RunOptions<'a> = Arg::shared(),
        route: RouteOptions<'a> = Arg::shared(),
        after: Option<AfterArgs<'a>> = AFTER,
    }
}

/// TASK.MSCHEDULE.
pub(crate) struct MSchedule;

impl Command for MSchedule {
    type Args<'a> = MScheduleArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.MSCHEDULE",
        summary: "Schedules several tasks with the same options, all or none.",
        complexity: "O(N) for N tasks, O(N log M) with a delay",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: MScheduleArgs::ARGS,
        reply: "array of ids, in the order of the payloads",
    };

    fn run(args: &MScheduleArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let mut new = New::asked(&args.run, &args.route, &tx.context).at(args.when.as_ref(), &tx.context);
        reply_to::check(args.route.reply, &name, caller)?;
        let settings = task::settings(tx, &name)?;
        let after = args.after.as_ref();
        new.after(after, dependencies::check(after, tx, &name, &settings)?);
        new.check(tx, &name)?;
        let payloads = &args.payloads;
        for payload in payloads {
            check_payload(payload, &tx.context)?;
        }
        limits::ensure_length(tx, &name, payloads.len(), &settings)?;
        let ids = new.add_all(tx, &name, payloads, &settings)?;
        serve::serve(tx, &name);
        Ok(Reply::Array(ids.into_iter().map(Reply::Id).collect()).into())
    }
}
