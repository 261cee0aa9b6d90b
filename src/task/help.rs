//! TASK.HELP: every command of the family with its arguments.

use lazy_static::lazy_static;

use crate::commands::{Visitor, visit_all};
use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Args, Keys, Spec};
use crate::unit::{Command, Outcome, Unit};

/// TASK.HELP.
pub struct Help;

impl Command for Help {
    const SPEC: Spec = Spec {
        name: "TASK.HELP",
        summary: "Shows all TASK commands.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: &[],
        reply: "array of lines",
    };

    fn run(_: &Args<'_>, _: &Caller<'_>, _: &mut Unit<'_>) -> Result<Outcome, Error> {
        Ok(Reply::Array(LINES.iter().map(|line| Reply::text(line.as_str())).collect()).into())
    }
}

lazy_static! {
    /// The same for every call: made once.
    static ref LINES: Vec<String> = {
        let mut lines = Lines(Vec::new());
        visit_all(&mut lines);
        lines.0
    };
}

struct Lines(Vec<String>);

impl Visitor for Lines {
    fn visit<C: Command>(&mut self) {
        if C::SPEC.name.starts_with("TASK.") {
            self.0.push(C::SPEC.syntax());
            self.0.push(format!("    {}", C::SPEC.summary));
        }
    }
}
