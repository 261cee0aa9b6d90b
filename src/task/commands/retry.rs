//! TASK.RETRY and TASK.RETRYALL: another chance for dead tasks.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments, ensure_few};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Part;
use crate::reply::Reply;
use crate::task::commands::IdsArgs;
use crate::task::commands::filter::{self, Filter, StepArgs};
use crate::task::handle::Queue;
use crate::task::index::{dead, targeted};
use crate::task::lifecycle;

/// TASK.RETRY.
pub(crate) struct Retry;

impl Command for Retry {
    type Args<'a> = IdsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RETRY",
        summary: "Makes dead tasks ready again, at most 1,000 a call, with all their attempts; one whose unique key is taken stays dead.",
        complexity: "O(N log M) for N ids and M dead tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: IdsArgs::ARGS,
        reply: "number of tasks retried",
        errors: &[],
    };

    fn run(args: &IdsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_few("ids", args.ids.len())?;
        ensure_types(queue)?;
        let mut count = 0;
        for id in &args.ids {
            count += usize::from(revive(queue, id.as_bytes())?);
        }
        queue.serve_waiters();
        Ok(Reply::count(count).into())
    }
}

arguments! {
    pub(crate) struct RetryAllArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        step: StepArgs<'a> = Arg::shared(),
    }
}

/// TASK.RETRYALL.
pub(crate) struct RetryAll;

impl Command for RetryAll {
    type Args<'a> = RetryAllArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RETRYALL",
        summary: "Makes those dead tasks ready again that TASK.LIST shows with the same filters, in the order in which they died, one step a call.",
        complexity: "O(N log M) for N tasks looked at of M dead ones",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: RetryAllArgs::ARGS,
        reply: "the cursor of the next step (`0` at the end) and the number of tasks retried",
        errors: &[],
    };

    fn run(args: &RetryAllArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_types(queue)?;
        let filter = Filter::new(queue, "dead", &args.step.filter, None)?;
        let (next, selected) = filter::select(queue, &args.step, &filter)?;
        let mut revived = 0;
        for mut task in selected.into_iter().filter_map(|seen| seen.task) {
            revived += usize::from(lifecycle::revive(queue, &mut task)?);
        }
        queue.serve_waiters();
        Ok(filter::reply(next, revived).into())
    }
}

/// Errors with `WrongType` unless every key that a retry may write has the right type.
fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    dead::ensure_types(queue)?;
    queue.keys.ensure_type(queue.name.of_queue(Part::Expiring))?;
    queue.keys.ensure_type(queue.name.of_queue(Part::Unique))?;
    targeted::ensure_all_ready_types(queue)
}

fn revive(queue: &mut Queue<'_>, id: &[u8]) -> Result<bool> {
    match queue.find(id) {
        Ok(Some(mut task)) => lifecycle::revive(queue, &mut task),
        _ => Ok(false),
    }
}
