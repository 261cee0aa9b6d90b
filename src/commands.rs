//! The one list of all commands.

use crate::command::Args;
use crate::context::Caller;
use crate::error::Error;
use crate::tx::{Command, Response, Tx};
use crate::{hb, pid, task};

/// Something done once for every command: registration, the README's table, the tests.
pub(crate) trait Visitor {
    /// Meets one command.
    fn visit<C: Command>(&mut self);
}

/// Runs a command with all that follows from it in the same transaction: a sign of life of the members bound to the
/// caller's connection before, and after it the end of what was held by members that went.
pub(crate) fn run<C: Command>(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
    if let Some(connection) = caller.connection {
        let named = ["worker", "member"].into_iter().find(|name| args.has(name));
        let named = named.map(|name| args.text(name));
        tx.state.services.seen(connection, named, tx.context.steady);
    }
    let outcome = C::run(args, caller, tx);
    task::revoke::settle(tx);
    task::worklist::settle(tx);
    outcome
}

/// Shows every command to the visitor, in the order of the documentation.
pub(crate) fn visit_all(visitor: &mut impl Visitor) {
    visitor.visit::<task::commands::schedule::Schedule>();
    visitor.visit::<task::commands::mschedule::MSchedule>();
    visitor.visit::<task::commands::claim::Claim>();
    visitor.visit::<task::commands::claim::MClaim>();
    visitor.visit::<task::commands::ack::Ack>();
    visitor.visit::<task::commands::ack::MAck>();
    visitor.visit::<task::commands::fail::Fail>();
    visitor.visit::<task::commands::release::Release>();
    visitor.visit::<task::commands::extend::Extend>();
    visitor.visit::<task::commands::cancel::Cancel>();
    visitor.visit::<task::commands::reschedule::Reschedule>();
    visitor.visit::<task::commands::get::Get>();
    visitor.visit::<task::commands::list::List>();
    visitor.visit::<task::commands::result::TaskResult>();
    visitor.visit::<task::commands::result::MResult>();
    visitor.visit::<task::commands::workers::Workers>();
    visitor.visit::<task::commands::stats::Stats>();
    visitor.visit::<task::commands::queues::Queues>();
    visitor.visit::<task::commands::repeat::Repeat>();
    visitor.visit::<task::commands::unrepeat::Unrepeat>();
    visitor.visit::<task::commands::repeats::Repeats>();
    visitor.visit::<task::commands::pause::Pause>();
    visitor.visit::<task::commands::pause::Resume>();
    visitor.visit::<task::commands::config::ConfigGet>();
    visitor.visit::<task::commands::config::ConfigSet>();
    visitor.visit::<task::commands::retry::Retry>();
    visitor.visit::<task::commands::retry::RetryAll>();
    visitor.visit::<task::commands::purge::Purge>();
    visitor.visit::<task::commands::drop::Drop>();
    visitor.visit::<task::help::Help>();
    visitor.visit::<pid::register::Register>();
    visitor.visit::<pid::deregister::Deregister>();
    visitor.visit::<pid::evict::Evict>();
    visitor.visit::<pid::get::Get>();
    visitor.visit::<pid::list::List>();
    visitor.visit::<pid::services::Services>();
    visitor.visit::<pid::await_member::Await>();
    visitor.visit::<pid::help::Help>();
    visitor.visit::<hb::beat::Beat>();
    visitor.visit::<hb::campaign::Campaign>();
    visitor.visit::<hb::withdraw::Withdraw>();
    visitor.visit::<hb::resign::Resign>();
    visitor.visit::<hb::leader::Leader>();
    visitor.visit::<hb::check::Check>();
    visitor.visit::<hb::fenced::Fenced>();
    visitor.visit::<hb::signal::Signal>();
    visitor.visit::<hb::help::Help>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Arg, Kind, Spec};
    use crate::error::CODES;

    struct All(Vec<Spec>);

    impl Visitor for All {
        fn visit<C: Command>(&mut self) {
            self.0.push(C::SPEC);
        }
    }

    fn all() -> Vec<Spec> {
        let mut all = All(Vec::new());
        visit_all(&mut all);
        all.0
    }

    /// A `|` would end the cell of a table.
    fn cell(text: &str) -> String {
        text.replace('|', "\\|")
    }

    /// The README's tables come from the declarations: this test says what they must be, and writes them
    /// with `UPDATE_README=1 cargo test readme`.
    #[test]
    fn the_tables_of_the_readme_are_those_of_the_declarations() {
        let mut commands = String::from("| command | what it does | reply |\n| --- | --- | --- |\n");
        for spec in all() {
            let (syntax, summary, reply) = (cell(&spec.syntax()), spec.summary, cell(spec.reply));
            commands.push_str(&format!("| `{syntax}` | {summary} | {reply} |\n"));
        }
        let mut errors = String::from("| code | when | the client should |\n| --- | --- | --- |\n");
        for (code, when, what) in CODES {
            errors.push_str(&format!("| `{code}` | {when} | {what} |\n"));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let mut wanted = readme.clone();
        let settings = crate::settings::table::table();
        for (section, table) in [("commands", commands), ("errors", errors), ("settings", settings)] {
            let (begin, end) = (format!("<!-- {section}:begin -->\n"), format!("<!-- {section}:end -->"));
            let from = wanted.find(&begin).expect("a begin marker") + begin.len();
            let to = wanted.find(&end).expect("an end marker");
            wanted.replace_range(from..to, &table);
        }
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(readme == wanted, "run `UPDATE_README=1 cargo test readme`");
        }
    }

    /// A value is found by its keyword or name: within one command these must differ.
    #[test]
    fn no_command_has_two_arguments_of_one_name() {
        fn collect(args: &'static [Arg], names: &mut Vec<&'static str>) {
            for arg in args {
                match arg.kind {
                    Kind::OneOf(options) | Kind::Either(options) => collect(options, names),
                    Kind::Group(inner) => {
                        names.push(arg.word.unwrap_or(arg.name));
                        collect(inner, names);
                    }
                    _ => names.push(arg.word.unwrap_or(arg.name)),
                }
            }
        }
        for spec in all() {
            let mut names = Vec::new();
            collect(spec.args, &mut names);
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", spec.name);
        }
    }
}
