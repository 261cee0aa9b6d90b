//! TASK.GET: all that is known about a task.

use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::task::record::{HEADER, Record};
use crate::task::show;
use crate::unit::{Command, Outcome, Unit};

/// TASK.GET.
pub struct Get;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let id = args.text("id").as_bytes();
        let settings = super::settings(unit, &name)?;
        let Some(mut value) = unit.keys.get(name.task(id))? else {
            return Ok(Reply::Null.into());
        };
        let record = Record::read(&value).ok_or(Error::Foreign)?;
        if !super::exists(&record, &settings) {
            return Ok(Reply::Null.into());
        }
        let payload = value.split_off(HEADER.min(value.len()));
        Ok(show::show(unit, &name, id, &record, Some(payload), &settings)?.into())
    }
}
