//! HB.FENCED: a command that is run only while an epoch leads.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::check::{EPOCH, check};
use crate::proc;
use crate::tx::Tx;

const ARG: Typed<&[u8]> = Arg::bytes("arg");

arguments! {
    pub(crate) struct FencedArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        epoch: u64 = EPOCH,
        command: &'a [u8] = Arg::bytes("command"),
        args: Vec<&'a [u8]> = Arg::any("args", &ARG),
    }
}

/// HB.FENCED.
pub(crate) struct Fenced;

impl Command for Fenced {
    type Args<'a> = FencedArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.FENCED",
        summary: "Runs a command with the caller's rights only while the epoch leads, in one step; else nothing happens.",
        complexity: "That of the command",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: FencedArgs::ARGS,
        reply: "what the command replies",
    };

    fn run(args: &FencedArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        proc::look(tx, &name)?;
        check(args.epoch, tx, &name)?;
        Ok(Response::Run(2))
    }
}
