//! TASK.UNREPEAT: no more occurrences.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::task::{self, recurring};
use crate::tx::{Command, Response, Tx};

/// TASK.UNREPEAT.
pub(crate) struct Unrepeat;

impl Command for Unrepeat {
    const SPEC: Spec = Spec {
        name: "TASK.UNREPEAT",
        summary: "Removes a recurring task; the tasks it has made stay.",
        complexity: "O(log N) for N recurring tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::value("name", Kind::Text)],
        reply: "1, or 0 when there is none of that name",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let repeat = recurring::check_name(args.text("name").as_bytes())?;
        recurring::ensure_types(queue)?;
        let removed = recurring::remove(queue, repeat.as_bytes())?;
        Ok(Reply::Int(i64::from(removed)).into())
    }
}
