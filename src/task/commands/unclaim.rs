//! TASK.UNCLAIM: end claims without their tokens.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec, ensure_few};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::commands::IdsArgs;
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::claimed;
use crate::task::lifecycle;

/// TASK.UNCLAIM.
pub(crate) struct Unclaim;

impl Command for Unclaim {
    type Args<'a> = IdsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.UNCLAIM",
        summary: "Ends the claims of tasks without their tokens, at most 1,000 a call: the tasks are ready again, the attempts do not count, and the tokens are stale. The first task given is the first to be claimed again.",
        complexity: "O(N log M) for N ids and M claimed tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: IdsArgs::ARGS,
        reply: "number of claims ended",
        errors: &[],
    };

    fn run(args: &IdsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_few("ids", args.ids.len())?;
        for id in &args.ids {
            if let Some(task) = claimed_task(queue, id) {
                lifecycle::ensure_end_types(queue, &task)?;
            }
        }
        let mut ended = 0;
        // Each goes before the head of its list.
        for id in args.ids.iter().rev() {
            if let Some(mut task) = claimed_task(queue, id) {
                claimed::remove(queue, &task)?;
                lifecycle::release(queue, &mut task, None)?;
                ended += 1;
            }
        }
        queue.serve_waiters();
        Ok(Reply::count(ended).into())
    }
}

/// The task of this id, if it is claimed. A foreign value is not a task.
fn claimed_task(queue: &mut Queue<'_>, id: &str) -> Option<Task> {
    let found = queue.find(id.as_bytes()).unwrap_or(None);
    found.filter(|task| task.header.state == TaskState::Claimed)
}
