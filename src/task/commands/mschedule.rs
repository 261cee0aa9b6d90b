//! TASK.MSCHEDULE: many tasks in one step.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::dispatch::limits;
use crate::task::handle::Queue;
use crate::task::index::dependencies;
use crate::task::new_task::{NewTask, ensure_size};
use crate::task::options::{AFTER, AfterArgs, PAYLOAD, RouteOptions, RunOptions, WHEN, When};
use crate::task::reply_to;

arguments! {
    pub(crate) struct MScheduleArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
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
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MSCHEDULE",
        summary: "Schedules several tasks with the same options: all of them, or none. AFTER: at most 10,000 dependencies a call (tasks times ids).",
        complexity: "O(N) for N tasks, O(N log M) with a delay, O(N*P) AFTER P ids",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: MScheduleArgs::ARGS,
        reply: "array of ids, in the order of the payloads",
    };

    fn run(args: &MScheduleArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = NewTask::asked(&args.run, &args.route, &queue.context).at(args.when.as_ref(), &queue.context);
        reply_to::ensure_allowed(args.route.reply, &queue.name, caller)?;
        if let Some(after) = &args.after {
            dependencies::ensure_few(args.payloads.len(), after.ids.len())?;
        }
        task.depend(queue, args.after.as_ref())?;
        task.ensure_types(queue)?;
        for payload in &args.payloads {
            ensure_size("payload", payload, &queue.context)?;
        }
        limits::ensure_length(queue, args.payloads.len())?;
        let ids = task.add_all(queue, &args.payloads)?;
        queue.serve_waiters();
        Ok(Reply::Array(ids.into_iter().map(Reply::Id).collect()).into())
    }
}
