//! TASK.RELEASE: give a task back without having used an attempt.

use crate::env::Caller;
use crate::error::Error;
use crate::names::Index;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::task::{ending, serve};
use crate::time::MAX_DELAY;
use crate::unit::{Command, Outcome, Unit};

/// TASK.RELEASE.
pub struct Release;

impl Command for Release {
    const SPEC: Spec = Spec {
        name: "TASK.RELEASE",
        summary: "Gives a claimed task back; the attempt does not count.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, Arg::TOKEN, Arg::duration("DELAY", 0, MAX_DELAY)],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let (name, settings, mut record) = super::claim_of(args, caller, unit)?;
        let id = args.text("id").as_bytes();
        ending::check(unit, &name, id, &record, &settings)?;
        let due = args.int("DELAY").map(|delay| unit.env.wall.after(delay));
        unit.keys.zrem(name.index(Index::Claimed), &[id])?;
        ending::give_back(unit, &name, id, &mut record, due, &settings)?;
        serve::serve(unit, &name);
        Ok(Reply::OK.into())
    }
}
