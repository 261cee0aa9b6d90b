//! TASK.TRIGGER: an occurrence of a recurring task out of turn.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Id;
use crate::recur::occurrence_id;
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::recurring;

arguments! {
    pub(crate) struct TriggerArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        name: &'a str = Arg::text("name").means("the name of the recurring task"),
    }
}

/// TASK.TRIGGER.
pub(crate) struct Trigger;

impl Command for Trigger {
    type Args<'a> = TriggerArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.TRIGGER",
        summary: "Makes an occurrence of a recurring task now, a task `<name>:<now>`, whatever OVERLAP and LIMIT say. The other occurrences are not affected.",
        complexity: "O(1)",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: TriggerArgs::ARGS,
        reply: "the id of the task",
        errors: &[
            ("NOTASK", "there is no recurring task of this name"),
            ("DUPLICATE", "it has an occurrence at this moment already"),
            ("NOMEMBER", "TO with NOW: that worker is not a member"),
            ("QUEUEFULL", "the queue has as many tasks as its `max-length`"),
            ("OOM", "memory is full"),
        ],
    };

    fn run(args: &TriggerArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let repeat = recurring::check_name(args.name.as_bytes())?;
        let there = recurring::find(queue, repeat.as_bytes())?.filter(|there| there.next().is_some());
        let payload = recurring::payload(queue, repeat.as_bytes())?;
        let (Some(recurring), Some(payload)) = (there, payload) else {
            return Err(Error::NoRepeat(repeat.to_string()));
        };
        let mut task = recurring.task(&queue.context)?;
        task.ensure_types(queue)?;
        let id = Id::from_slice(occurrence_id(repeat, queue.context.wall).as_bytes());
        recurring::make(queue, &mut task, id.clone(), &payload)?;
        queue.serve_waiters();
        Ok(Reply::Id(id).into())
    }
}
