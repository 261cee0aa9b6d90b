//! TASK.HELP: every command of the family with its arguments.

use crate::env::Caller;
use crate::error::Error;
use crate::help;
use crate::spec::{Args, Spec};
use crate::unit::{Command, Outcome, Unit};

/// TASK.HELP.
pub struct Help;

impl Command for Help {
    const SPEC: Spec = help::spec("TASK.HELP", "Shows all TASK commands.");

    fn run(_: &Args<'_>, _: &Caller<'_>, _: &mut Unit<'_>) -> Result<Outcome, Error> {
        Ok(help::lines("TASK").into())
    }
}
