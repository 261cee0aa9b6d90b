//! The one list of all commands.

use crate::env::Caller;
use crate::error::Error;
use crate::spec::Args;
use crate::unit::{Command, Outcome, Unit};
use crate::{hb, pid, task};

/// Something done once for every command: registration, the manual's table, the tests.
pub trait Visitor {
    /// Meets one command.
    fn visit<C: Command>(&mut self);
}

/// Runs a command with all that follows from it in the same unit: a sign of life of the members bound to the
/// caller's connection before, and after it the end of what was held by members that went.
pub fn run<C: Command>(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
    if let Some(connection) = caller.connection {
        let named = ["worker", "member"].into_iter().find(|name| args.has(name));
        let named = named.map(|name| args.text(name));
        unit.memory.presence.seen(connection, named, unit.env.steady);
    }
    let outcome = C::run(args, caller, unit);
    task::gone::settle(unit);
    task::settle::settle(unit);
    outcome
}

/// Shows every command to the visitor, in the order of the documentation.
pub fn visit_all(visitor: &mut impl Visitor) {
    visitor.visit::<task::schedule::Schedule>();
    visitor.visit::<task::mschedule::MSchedule>();
    visitor.visit::<task::claim::Claim>();
    visitor.visit::<task::claim::MClaim>();
    visitor.visit::<task::ack::Ack>();
    visitor.visit::<task::ack::MAck>();
    visitor.visit::<task::fail::Fail>();
    visitor.visit::<task::release::Release>();
    visitor.visit::<task::extend::Extend>();
    visitor.visit::<task::cancel::Cancel>();
    visitor.visit::<task::reschedule::Reschedule>();
    visitor.visit::<task::get::Get>();
    visitor.visit::<task::list::List>();
    visitor.visit::<task::result::TaskResult>();
    visitor.visit::<task::result::MResult>();
    visitor.visit::<task::workers::Workers>();
    visitor.visit::<task::stats::Stats>();
    visitor.visit::<task::queues::Queues>();
    visitor.visit::<task::repeat::Repeat>();
    visitor.visit::<task::unrepeat::Unrepeat>();
    visitor.visit::<task::repeats::Repeats>();
    visitor.visit::<task::pause::Pause>();
    visitor.visit::<task::pause::Resume>();
    visitor.visit::<task::config::ConfigGet>();
    visitor.visit::<task::config::ConfigSet>();
    visitor.visit::<task::retry::Retry>();
    visitor.visit::<task::retry::RetryAll>();
    visitor.visit::<task::purge::Purge>();
    visitor.visit::<task::drop::Drop>();
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
    use crate::error::CODES;
    use crate::spec::{Arg, Kind, Spec};

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

    /// The tables of the manual come from the declarations: this test says what they must be, and writes them
    /// with `UPDATE_DOCS=1 cargo test --lib docs`.
    #[test]
    fn the_tables_of_the_docs_are_those_of_the_declarations() {
        let mut commands = String::from("| command | what it does | reply |\n| --- | --- | --- |\n");
        for spec in all() {
            let (syntax, summary, reply) = (cell(&spec.syntax()), spec.summary, cell(spec.reply));
            commands.push_str(&format!("| `{syntax}` | {summary} | {reply} |\n"));
        }
        let mut errors = String::from("| code | when | the client should |\n| --- | --- | --- |\n");
        for (code, when, what) in CODES {
            errors.push_str(&format!("| `{code}` | {when} | {what} |\n"));
        }
        let settings = crate::settings::table::table();
        for (name, table) in [("commands", commands), ("errors", errors), ("settings", settings)] {
            let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
            let page = std::fs::read_to_string(&path).unwrap();
            let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
            let from = page.find(&begin).expect("a begin marker") + begin.len();
            let to = page.find(&end).expect("an end marker");
            let mut wanted = page.clone();
            wanted.replace_range(from..to, &table);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &wanted).unwrap();
            } else {
                assert!(page == wanted, "{path}: run `UPDATE_DOCS=1 cargo test --lib docs`");
            }
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
