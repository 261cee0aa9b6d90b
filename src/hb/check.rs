//! HB.CHECK: whether an epoch is still that of the leader.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::names::{MAX_TOKEN, Name};
use crate::proc;
use crate::reply::Reply;
use crate::tx::Tx;

/// The epoch somebody takes for that of now.
pub(crate) const EPOCH: Typed<u64> = Arg::int("epoch", 0, MAX_TOKEN, "");

arguments! {
    pub(crate) struct CheckArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        epoch: u64 = EPOCH,
    }
}

/// HB.CHECK.
pub(crate) struct Check;

impl Command for Check {
    type Args<'a> = CheckArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.CHECK",
        summary: "Tells whether an epoch is that of the present leader. What is done elsewhere afterwards is not fenced by it.",
        complexity: "O(1)",
        // It writes nothing, but a replica, which may lag behind, must not answer it.
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: CheckArgs::ARGS,
        reply: "OK",
    };

    fn run(args: &CheckArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        proc::look(tx, &name)?;
        check(args.epoch, tx, &name)?;
        Ok(Reply::OK.into())
    }
}

/// Nothing, when somebody leads in this epoch; else `Fenced`.
pub(crate) fn check(epoch: u64, tx: &mut Tx<'_>, name: &Name) -> Result<(), Error> {
    let leads = proc::leader(tx, name)?.is_some();
    if leads && proc::head(tx, name)?.epoch == epoch {
        return Ok(());
    }
    Err(proc::fenced(tx, name)?)
}
