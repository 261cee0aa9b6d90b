//! TASK.UNREPEAT: no more occurrences.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::recurring;

arguments! {
    pub(crate) struct UnrepeatArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        name: &'a str = Arg::text("name").means("the name of the recurring task"),
    }
}

/// TASK.UNREPEAT.
pub(crate) struct Unrepeat;

impl Command for Unrepeat {
    type Args<'a> = UnrepeatArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.UNREPEAT",
        summary: "Removes a recurring task; the tasks it has made stay.",
        complexity: "O(log N) for N recurring tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: UnrepeatArgs::ARGS,
        reply: "1, or 0 when there is none of that name",
        errors: &[],
    };

    fn run(args: &UnrepeatArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let repeat = recurring::check_name(args.name.as_bytes())?;
        recurring::ensure_types(queue)?;
        let removed = recurring::remove(queue, repeat.as_bytes())?;
        Ok(Reply::Int(i64::from(removed)).into())
    }
}
