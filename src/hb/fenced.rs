//! HB.FENCED: a command that is run only while an epoch leads.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::check::{EPOCH, ensure_leads};
use crate::membership::service::Service;
use crate::tx::{Command, Response, Tx};

/// HB.FENCED.
pub(crate) struct Fenced;

impl Command for Fenced {
    const SPEC: Spec = Spec {
        name: "HB.FENCED",
        summary: "Runs a command with the caller's rights only while the epoch leads, in one step; else nothing happens.",
        complexity: "That of the command",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            EPOCH,
            Arg::value("command", Kind::Bytes),
            Arg::value("args", Kind::Any(&[Arg::value("arg", Kind::Bytes)])),
        ],
        reply: "what the command replies",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        service.ensure_readable()?;
        ensure_leads(args, &mut service)?;
        Ok(Response::Run(2))
    }
}
