//! HB.HELP: every command of the family with its arguments.

use crate::command::{Args, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::help;
use crate::tx::{Command, Response, Tx};

/// HB.HELP.
pub(crate) struct Help;

impl Command for Help {
    const SPEC: Spec = help::spec("HB.HELP", "Shows all HB commands.");

    fn run(_: &Args<'_>, _: &Caller<'_>, _: &mut Tx<'_>) -> Result<Response, Error> {
        Ok(help::lines("HB").into())
    }
}
