//! TASK.CANCEL and TASK.CANCELALL: a task is not needed any more.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments, ensure_few};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::filter::{self, CLAIMED_BY, Filter, StepArgs};
use crate::task::handle::Queue;
use crate::task::index::{blocked, dependencies, scheduled, targeted};
use crate::task::{events, lifecycle};

/// Why the tasks are cancelled.
const REASON: Typed<Option<&[u8]>> = Arg::option("REASON", Arg::bytes("text")).means("why: becomes their error");

arguments! {
    pub(crate) struct CancelArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        ids: Vec<&'a str> = Arg::many_before("ids", &Arg::ID, "REASON").means("the ids of the tasks, at most 1,000"),
        reason: Option<&'a [u8]> = REASON,
    }
}

/// TASK.CANCEL.
pub(crate) struct Cancel;

impl Command for Cancel {
    type Args<'a> = CancelArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CANCEL",
        summary: "Cancels tasks, at most 1,000 a call: a claimed one is removed when its claim ends, any other at once. A task with RETAIN is kept.",
        complexity: "O(N log M) for N ids and M scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: CancelArgs::ARGS,
        reply: "number of tasks cancelled",
        errors: &[],
    };

    fn run(args: &CancelArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_few("ids", args.ids.len())?;
        ensure_types(queue)?;
        dependencies::ensure_removable(queue, &args.ids)?;
        let reason = args.reason.unwrap_or_default();
        let mut cancelled = 0;
        for id in &args.ids {
            // A foreign value is not a task: there is nothing to cancel.
            if let Ok(Some(mut task)) = queue.find(id.as_bytes()) {
                cancelled += u64::from(lifecycle::cancel(queue, &mut task, reason)?);
            }
        }
        Ok(Reply::number(cancelled).into())
    }
}

/// Errors with `WrongType` unless every key that a cancellation may write has the right type.
fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    scheduled::ensure_types(queue)?;
    blocked::ensure_types(queue)?;
    targeted::ensure_all_ready_types(queue)?;
    events::ensure_types(queue)
}

arguments! {
    pub(crate) struct CancelAllArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        state: &'a str = Arg::words("state", &["scheduled", "ready", "blocked", "claimed"]).means("which tasks"),
        worker: Option<&'a str> = CLAIMED_BY,
        step: StepArgs<'a> = Arg::shared(),
        reason: Option<&'a [u8]> = REASON,
    }
}

/// TASK.CANCELALL.
pub(crate) struct CancelAll;

impl Command for CancelAll {
    type Args<'a> = CancelAllArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CANCELALL",
        summary: "Cancels the tasks in one state that TASK.LIST shows with the same filters, one step a call.",
        complexity: "O(N log M) for N tasks looked at and M scheduled",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: CancelAllArgs::ARGS,
        reply: "the cursor of the next step (`0` at the end) and the number of tasks cancelled",
        errors: &[],
    };

    fn run(args: &CancelAllArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_types(queue)?;
        let filter = Filter::new(queue, args.state, &args.step.filter, args.worker)?;
        let (next, selected) = filter::select(queue, &args.step, &filter)?;
        let mut cancelled = 0;
        for mut task in selected.into_iter().filter_map(|seen| seen.task) {
            cancelled += usize::from(lifecycle::cancel(queue, &mut task, args.reason.unwrap_or_default())?);
        }
        Ok(filter::reply(next, cancelled).into())
    }
}
