//! TASK.EDIT: another payload for a task that waits.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::header::TaskState;
use crate::task::new_task::ensure_size;

arguments! {
    /// What changes.
    pub(crate) enum Edit<'a> {
        Payload(payload: &'a [u8]) = Arg::option("PAYLOAD", Arg::bytes("payload")).means("the new payload"),
    }
}

arguments! {
    pub(crate) struct EditArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
        edit: Edit<'a> = Arg::either("edit"),
    }
}

/// TASK.EDIT.
pub(crate) struct EditTask;

impl Command for EditTask {
    type Args<'a> = EditArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.EDIT",
        summary: "Changes the payload of a scheduled, ready or blocked task, which keeps its place.",
        complexity: "O(1)",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: EditArgs::ARGS,
        reply: "OK",
        errors: &[
            (
                "NOTASK",
                "there is no such task, or it is neither scheduled, ready nor blocked",
            ),
            ("TOOBIG", "the payload is larger than `steward.max-payload`"),
            ("OOM", "memory is full"),
        ],
    };

    fn run(args: &EditArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let Edit::Payload(payload) = args.edit;
        ensure_size("payload", payload, &queue.context)?;
        let task = queue.find(args.id.as_bytes())?.ok_or(Error::NoTask)?;
        if !matches!(task.header.state, TaskState::Waiting | TaskState::Blocked) {
            return Err(Error::NotIn("waits", queue.place(&task)?));
        }
        queue
            .keys
            .set(queue.name.task(&task.id), &task.header.write(), payload)?;
        Ok(Reply::OK.into())
    }
}
