//! TASK.RESCHEDULE: another due time or priority for a waiting task.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::header::TaskState;
use crate::task::index::{expiry, ready, scheduled};
use crate::task::lifecycle;
use crate::task::options::{PRIORITY, WHEN, When};

arguments! {
    pub(crate) struct RescheduleArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
        when: Option<When> = WHEN,
        priority: Option<u8> = PRIORITY,
    }
}

/// TASK.RESCHEDULE.
pub(crate) struct Reschedule;

impl Command for Reschedule {
    type Args<'a> = RescheduleArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RESCHEDULE",
        summary: "Changes when a scheduled or ready task is due, or its priority.",
        complexity: "O(log N) for N scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: RescheduleArgs::ARGS,
        reply: "when it is due, unix ms",
        errors: &[("NOTASK", "there is no such task, or it is neither scheduled nor ready")],
    };

    fn run(args: &RescheduleArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let due = args.when.as_ref().map(|when| when.due(&queue.context));
        if due.is_none() && args.priority.is_none() {
            return Err(Error::BadArg("give DELAY, AT or PRIORITY".into()));
        }
        let mut task = queue.find(args.id.as_bytes())?.ok_or(Error::NoTask)?;
        if task.header.state != TaskState::Waiting {
            return Err(Error::NotIn("waits", queue.place(&task)?));
        }
        let priority = args.priority.unwrap_or(task.header.priority);
        scheduled::ensure_types(queue)?;
        queue.keys.ensure_type(queue.name.queue())?;
        lifecycle::ensure_enqueue_types(queue, &task)?;
        ready::ensure_types(queue, priority)?;
        expiry::ensure_types(queue, &task)?;
        let before = task.header.due;
        lifecycle::reschedule(queue, &mut task, due, priority)?;
        let due = task.header.due;
        if due != before && task.header.state == TaskState::Waiting {
            expiry::start(queue, &task, due.max(queue.context.wall))?;
        }
        queue.write_header(&task)?;
        queue.serve_waiters();
        Ok(Reply::Int(due.0).into())
    }
}
