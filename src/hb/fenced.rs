//! HB.FENCED: runs a command only if an epoch is still the leader's.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::hb::check::{EPOCH, ensure_leads};
use crate::membership::service::Service;

const ARG: Typed<&[u8]> = Arg::bytes("arg").means("an argument");

arguments! {
    pub(crate) struct FencedArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        epoch: u64 = EPOCH,
        command: &'a [u8] = Arg::bytes("command").means("the command to run"),
        args: Vec<&'a [u8]> = Arg::any("args", &ARG).means("its arguments"),
    }
}

/// HB.FENCED.
pub(crate) struct Fenced;

impl Command for Fenced {
    type Args<'a> = FencedArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.FENCED",
        summary: "Runs a command only if the epoch is that of the current leader, in one step and with the caller's rights.",
        complexity: "That of the command",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: FencedArgs::ARGS,
        reply: "what the command replies",
        errors: &[("FENCED", "another epoch leads, or none; the command has not run")],
    };

    fn run(args: &FencedArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_readable()?;
        ensure_leads(service, args.epoch)?;
        Ok(Response::Run(2))
    }
}
