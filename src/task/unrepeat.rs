//! TASK.UNREPEAT: no more occurrences.

use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec};
use crate::task::recurring;
use crate::unit::{Command, Outcome, Unit};

/// TASK.UNREPEAT.
pub struct Unrepeat;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let repeat = recurring::check_name(args.text("name").as_bytes())?;
        recurring::expect(unit, &name)?;
        let removed = recurring::remove(unit, &name, repeat.as_bytes())?;
        Ok(Reply::Int(i64::from(removed)).into())
    }
}
