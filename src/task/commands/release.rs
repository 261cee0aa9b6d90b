//! TASK.RELEASE: give a task back without having used an attempt.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Index;
use crate::reply::Reply;
use crate::task::dispatch::serve;
use crate::task::{self, ClaimedArgs, lifecycle};
use crate::time::{MAX_DELAY, Ms};
use crate::tx::Tx;

arguments! {
    pub(crate) struct ReleaseArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        delay: Option<Ms> = Arg::duration("DELAY", 0, MAX_DELAY),
    }
}

/// TASK.RELEASE.
pub(crate) struct Release;

impl Command for Release {
    type Args<'a> = ReleaseArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.RELEASE",
        summary: "Gives a claimed task back; the attempt does not count.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ReleaseArgs::ARGS,
        reply: "OK",
    };

    fn run(args: &ReleaseArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(&args.claim, caller, tx)?;
        let id = args.claim.id.as_bytes();
        lifecycle::ensure_end_types(tx, &name, id, &record, &settings)?;
        let due = args.delay.map(|delay| tx.context.wall.after(delay));
        tx.keys.zrem(name.index(Index::Claimed), &[id])?;
        lifecycle::give_back(tx, &name, id, &mut record, due, &settings)?;
        serve::serve(tx, &name);
        Ok(Reply::OK.into())
    }
}
