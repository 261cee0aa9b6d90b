//! TASK.GET: all that is known about a task.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::header::{HEADER, Record};
use crate::task::{self, render};
use crate::tx::{Command, Response, Tx};

/// TASK.GET.
pub(crate) struct Get;

impl Command for Get {
    const SPEC: Spec = Spec {
        name: "TASK.GET",
        summary: "Shows a task.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID],
        reply: "map `id`, `state`, `due`, `priority`, `attempt`, `attempts`, `backoff`, `deliveries`, `lost`, `worker`, `lease`, `left`, `cancelled`, `expires`, `unique`, `group`, `to`, `after`, `error`, `progress`, `result`, `died`, `done`, `kept`, `payload`; or null",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let id = args.text("id").as_bytes();
        let settings = task::settings(queue)?;
        let Some(mut value) = queue.keys.get(queue.name.task(id))? else {
            return Ok(Reply::Null.into());
        };
        let record = Record::read(&value).ok_or(Error::Foreign)?;
        if !queue.has(&record) {
            return Ok(Reply::Null.into());
        }
        let payload = value.split_off(HEADER.min(value.len()));
        Ok(render::show(queue, id, &record, Some(payload))?.into())
    }
}
