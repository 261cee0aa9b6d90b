//! TASK.UNREPEAT: no more occurrences.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::{self, recurring};
use crate::tx::Tx;

arguments! {
    pub(crate) struct UnrepeatArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        name: &'a str = Arg::text("name"),
    }
}

/// TASK.UNREPEAT.
pub(crate) struct Unrepeat;

impl Command for Unrepeat {
    type Args<'a> = UnrepeatArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.UNREPEAT",
        summary: "Removes a recurring task; the tasks it has made stay.",
        complexity: "O(log N) for N recurring tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: UnrepeatArgs::ARGS,
        reply: "1, or 0 when there is none of that name",
    };

    fn run(args: &UnrepeatArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let repeat = recurring::check_name(args.name.as_bytes())?;
        recurring::ensure_types(tx, &name)?;
        let removed = recurring::remove(tx, &name, repeat.as_bytes())?;
        Ok(Reply::Int(i64::from(removed)).into())
    }
}
