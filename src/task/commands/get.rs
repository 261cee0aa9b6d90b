//! TASK.GET: all that is known about a task.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::header::{HEADER, Record};
use crate::task::{self, render};
use crate::tx::Tx;

arguments! {
    pub(crate) struct TaskArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        id: &'a str = Arg::ID,
    }
}

/// TASK.GET.
pub(crate) struct Get;

impl Command for Get {
    type Args<'a> = TaskArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.GET",
        summary: "Shows a task.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: TaskArgs::ARGS,
        reply: "map `id`, `state`, `due`, `priority`, `attempt`, `attempts`, `backoff`, `deliveries`, `lost`, `worker`, `lease`, `left`, `cancelled`, `expires`, `unique`, `group`, `to`, `after`, `error`, `progress`, `result`, `died`, `done`, `kept`, `payload`; or null",
    };

    fn run(args: &TaskArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let id = args.id.as_bytes();
        let settings = task::settings(tx, &name)?;
        let Some(mut value) = tx.keys.get(name.task(id))? else {
            return Ok(Reply::Null.into());
        };
        let record = Record::read(&value).ok_or(Error::Foreign)?;
        if !task::exists(&record, &settings) {
            return Ok(Reply::Null.into());
        }
        let payload = value.split_off(HEADER.min(value.len()));
        Ok(render::show(tx, &name, id, &record, Some(payload), &settings)?.into())
    }
}
