//! HB.CHECK: whether an epoch is still that of the leader.

use crate::command::{Access, Arg, Args, Keys, Kind, MAX_TOKEN, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::service::{Service, number};
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// The epoch somebody takes for that of now.
pub(crate) const EPOCH: Arg = Arg::value("epoch", Kind::Int(0, MAX_TOKEN, ""));

/// HB.CHECK.
pub(crate) struct Check;

impl Command for Check {
    const SPEC: Spec = Spec {
        name: "HB.CHECK",
        summary: "Tells whether an epoch is that of the present leader. What is done elsewhere afterwards is not fenced by it.",
        complexity: "O(1)",
        // It writes nothing, but a replica, which may lag behind, must not answer it.
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::SERVICE, EPOCH],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        service.ensure_readable()?;
        ensure_leads(args, &mut service)?;
        Ok(Reply::OK.into())
    }
}

/// Errors with `Fenced` unless somebody leads in this epoch.
pub(crate) fn ensure_leads(args: &Args<'_>, service: &mut Service<'_>) -> Result<(), Error> {
    let leads = service.leader()?.is_some();
    if leads && Some(service.leadership()?.epoch) == number(args, "epoch") {
        return Ok(());
    }
    Err(service.fenced()?)
}
