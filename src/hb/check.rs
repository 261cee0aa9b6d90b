//! HB.CHECK: whether an epoch is still that of the leader.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::service::Service;
use crate::names::MAX_TOKEN;
use crate::reply::Reply;

/// The epoch to compare with the current one.
pub(crate) const EPOCH: Typed<u64> =
    Arg::int("epoch", 0, MAX_TOKEN, "").means("the epoch that must be the current leader's");

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
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.CHECK",
        summary: "Checks that an epoch is that of the current leader. Writes to other systems afterwards are not fenced by it.",
        complexity: "O(1)",
        // It only reads, but a replica may lag behind and must not answer it.
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: CheckArgs::ARGS,
        reply: "OK",
        errors: &[("FENCED", "another epoch leads, or none")],
    };

    fn run(args: &CheckArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_readable()?;
        ensure_leads(service, args.epoch)?;
        Ok(Reply::OK.into())
    }
}

/// Errors with `Fenced` unless there is a leader and this is its epoch.
pub(crate) fn ensure_leads(service: &mut Service<'_>, epoch: u64) -> Result<()> {
    let leads = service.leader()?.is_some();
    if leads && service.leadership()?.epoch == epoch {
        return Ok(());
    }
    Err(service.fenced(false)?)
}
