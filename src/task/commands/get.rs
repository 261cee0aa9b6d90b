//! TASK.GET: all that is known about a task.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::handle::{Queue, Task};
use crate::task::header::{HEADER_LEN, Header};
use crate::task::render;

arguments! {
    pub(crate) struct TaskArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
    }
}

/// TASK.GET.
pub(crate) struct Get;

impl Command for Get {
    type Args<'a> = TaskArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.GET",
        summary: "Shows a task.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: TaskArgs::ARGS,
        reply: "map `id`, `state`, `kind`, `created_at`, `due_at`, `claimed_at`, `finished_at`, `run_ms`, `priority`, `attempt`, `max_attempts`, `backoff`, `deliveries`, `losses`, `worker`, `lease_ms`, `remaining_ms`, `cancelled`, `expires_at`, `unique`, `group`, `to`, `after`, `after_in`, `dependents`, `error`, `progress`, `result`, `kept_until`, `origin`, `payload`; or null",
        errors: &[],
    };

    fn run(args: &TaskArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let id = args.id.as_bytes();
        let Some(mut value) = queue.keys.get(queue.name.task(id))? else {
            return Ok(Reply::Null.into());
        };
        let header = Header::read(&value).map_err(|_| Error::Foreign)?;
        if !queue.has(&header) {
            return Ok(Reply::Null.into());
        }
        let payload = value.split_off(HEADER_LEN.min(value.len()));
        Ok(render::render(queue, &Task::new(id, header), Some(payload))?.into())
    }
}
