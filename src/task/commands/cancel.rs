//! TASK.CANCEL: a task is not needed any more.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::IdsArgs;
use crate::task::handle::Queue;
use crate::task::index::{blocked, dependencies, scheduled, targeted};
use crate::task::{events, lifecycle};

/// TASK.CANCEL.
pub(crate) struct Cancel;

impl Command for Cancel {
    type Args<'a> = IdsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CANCEL",
        summary: "Cancels tasks, at most 1,000 a call: a claimed one is removed when its claim ends, any other at once.",
        complexity: "O(N log M) for N ids and M scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: IdsArgs::ARGS,
        reply: "number of tasks cancelled",
    };

    fn run(args: &IdsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        args.ensure_few()?;
        scheduled::ensure_types(queue)?;
        blocked::ensure_types(queue)?;
        targeted::ensure_all_ready_types(queue)?;
        events::ensure_types(queue)?;
        dependencies::ensure_removable(queue, &args.ids)?;
        let mut cancelled = 0;
        for id in &args.ids {
            // A foreign value is not a task: there is nothing to cancel.
            if let Ok(Some(mut task)) = queue.find(id.as_bytes()) {
                cancelled += u64::from(lifecycle::cancel(queue, &mut task, "")?);
            }
        }
        Ok(Reply::number(cancelled).into())
    }
}
