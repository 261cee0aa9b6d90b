//! The one list of all commands.

use std::collections::BTreeMap;

use lazy_static::lazy_static;

use crate::command::run::{Command, Response, Target};
use crate::command::{Access, Field, Keys, NoArgs, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::tx::Tx;
use crate::{hb, pid, task};

/// Something done once for every command: registration, the manual's table, the tests.
pub(crate) trait Visitor {
    /// Visits one command.
    fn visit<C: Command>(&mut self);
}

/// Runs a command and everything that follows from it in the same transaction. First, the command counts as a sign of
/// life of the members bound to the caller's connection.
pub(crate) fn run<C: Command>(args: &C::Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
    if let Some(connection) = caller.connection {
        tx.state.services.seen(connection, args.actor(), tx.context.steady);
    }
    let response =
        <C::On<'_> as Target<'_>>::open(tx, caller.db, args.key()).and_then(|mut on| C::run(args, caller, &mut on));
    task::worklist::run(tx);
    #[cfg(test)]
    if let Err(error) = &response {
        tests::ensure_declared(&C::SPEC, error);
    }
    response
}

/// Visits every command, in the order of the documentation.
pub(crate) fn visit_all(visitor: &mut impl Visitor) {
    visitor.visit::<task::commands::schedule::Schedule>();
    visitor.visit::<task::commands::mschedule::MSchedule>();
    visitor.visit::<task::commands::claim::Claim>();
    visitor.visit::<task::commands::claim::MClaim>();
    visitor.visit::<task::commands::ack::Ack>();
    visitor.visit::<task::commands::ack::MAck>();
    visitor.visit::<task::commands::fail::Fail>();
    visitor.visit::<task::commands::fail::MFail>();
    visitor.visit::<task::commands::release::Release>();
    visitor.visit::<task::commands::release::MRelease>();
    visitor.visit::<task::commands::extend::Extend>();
    visitor.visit::<task::commands::extend::MExtend>();
    visitor.visit::<task::commands::cancel::Cancel>();
    visitor.visit::<task::commands::cancel::CancelAll>();
    visitor.visit::<task::commands::reschedule::Reschedule>();
    visitor.visit::<task::commands::edit::EditTask>();
    visitor.visit::<task::commands::get::Get>();
    visitor.visit::<task::commands::list::List>();
    visitor.visit::<task::commands::result::TaskResult>();
    visitor.visit::<task::commands::result::MResult>();
    visitor.visit::<task::commands::workers::Workers>();
    visitor.visit::<task::commands::stats::Stats>();
    visitor.visit::<task::commands::history::History>();
    visitor.visit::<task::commands::explain::Explain>();
    visitor.visit::<task::commands::queues::Queues>();
    visitor.visit::<task::commands::repeat::Repeat>();
    visitor.visit::<task::commands::unrepeat::Unrepeat>();
    visitor.visit::<task::commands::repeats::Repeats>();
    visitor.visit::<task::commands::trigger::Trigger>();
    visitor.visit::<task::commands::pause::Pause>();
    visitor.visit::<task::commands::pause::Resume>();
    visitor.visit::<task::commands::config::ConfigGet>();
    visitor.visit::<task::commands::config::ConfigSet>();
    visitor.visit::<Help<TaskConfig>>();
    visitor.visit::<task::commands::unclaim::Unclaim>();
    visitor.visit::<task::commands::bury::Bury>();
    visitor.visit::<task::commands::retry::Retry>();
    visitor.visit::<task::commands::retry::RetryAll>();
    visitor.visit::<task::commands::purge::Purge>();
    visitor.visit::<task::commands::drop::Drop>();
    visitor.visit::<Help<Task>>();
    visitor.visit::<pid::register::Register>();
    visitor.visit::<pid::deregister::Deregister>();
    visitor.visit::<pid::evict::Evict>();
    visitor.visit::<pid::drop::Drop>();
    visitor.visit::<pid::get::Get>();
    visitor.visit::<pid::list::List>();
    visitor.visit::<pid::services::Services>();
    visitor.visit::<pid::await_member::Await>();
    visitor.visit::<Help<Pid>>();
    visitor.visit::<hb::beat::Beat>();
    visitor.visit::<hb::campaign::Campaign>();
    visitor.visit::<hb::withdraw::Withdraw>();
    visitor.visit::<hb::resign::Resign>();
    visitor.visit::<hb::leader::Leader>();
    visitor.visit::<hb::check::Check>();
    visitor.visit::<hb::fenced::Fenced>();
    visitor.visit::<hb::signal::Signal>();
    visitor.visit::<Help<Hb>>();
}

/// The HELP of a family: every command with its arguments.
struct Help<F>(std::marker::PhantomData<F>);

/// A family of commands that has a HELP.
trait Family {
    /// The name of its HELP.
    const HELP: &'static str;
    const SUMMARY: &'static str;
}

struct Task;
struct TaskConfig;
struct Pid;
struct Hb;

impl Family for Task {
    const HELP: &'static str = "TASK.HELP";
    const SUMMARY: &'static str = "Shows all TASK commands.";
}

impl Family for TaskConfig {
    const HELP: &'static str = "TASK.CONFIG HELP";
    const SUMMARY: &'static str = "Shows the TASK.CONFIG commands.";
}

impl Family for Pid {
    const HELP: &'static str = "PID.HELP";
    const SUMMARY: &'static str = "Shows all PID commands.";
}

impl Family for Hb {
    const HELP: &'static str = "HB.HELP";
    const SUMMARY: &'static str = "Shows all HB commands.";
}

impl<F: Family> Command for Help<F> {
    type Args<'a> = NoArgs;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: F::HELP,
        summary: F::SUMMARY,
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: NoArgs::ARGS,
        reply: "array of lines",
        errors: &[],
    };

    fn run(_: &NoArgs, _: &Caller<'_>, _: &mut Tx<'_>) -> Result<Response, Error> {
        let lines = F::HELP.strip_suffix("HELP").and_then(|family| LINES.get(family));
        let lines = lines.map(Vec::as_slice).unwrap_or_default();
        Ok(Reply::Array(lines.iter().map(|line| Reply::text(line.as_str())).collect()).into())
    }
}

lazy_static! {
    /// The same for every call: made once.
    static ref LINES: BTreeMap<&'static str, Vec<String>> = {
        let mut lines = Lines::default();
        visit_all(&mut lines);
        lines.0
    };
}

#[derive(Default)]
struct Lines(BTreeMap<&'static str, Vec<String>>);

impl Visitor for Lines {
    fn visit<C: Command>(&mut self) {
        let name = C::SPEC.name;
        // `TASK.CONFIG GET` is a command of `TASK.` and of `TASK.CONFIG `.
        for (end, mark) in name.match_indices(['.', ' ']) {
            if let Some(family) = name.get(..end + mark.len()) {
                let lines = self.0.entry(family).or_default();
                lines.push(C::SPEC.syntax());
                lines.push(format!("    {}", C::SPEC.summary));
            }
        }
    }
}

#[cfg(test)]
mod manual;
#[cfg(test)]
pub(crate) mod tests;
