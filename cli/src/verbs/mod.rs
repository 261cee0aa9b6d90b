//! The verbs: what people and scripts ask and change.

mod args;
mod moment;
mod put;
mod queue;
mod queues;
mod tasks;

use redis::{Cmd, cmd};

use crate::args::{Common, Output};
use crate::connect::{CallError, Connector, Link, PATIENCE, Reply};
use crate::failure::Failure;
pub(crate) use args::Verb;

/// Runs one.
pub(crate) fn run(common: &Common, verb: Verb) -> Result<u8, Failure> {
    let connector = common.connector()?;
    match verb {
        Verb::Put(args) => put::run(&mut Server::of(&connector, common.output, &args.queue)?, &args),
        Verb::Queues { pattern } => queues::run(&connector, common.output, pattern.as_deref()),
        Verb::Ls(args) => tasks::ls(&mut Server::of(&connector, common.output, &args.queue)?, &args),
        Verb::Show(args) => tasks::show(&mut Server::of(&connector, common.output, &args.queue)?, &args),
    }
}

/// A connection to the server that has a name, and how its replies are shown.
struct Server<'a> {
    connector: &'a Connector,
    link: Link,
    output: Output,
}

impl<'a> Server<'a> {
    fn of(connector: &'a Connector, output: Output, name: &str) -> Result<Server<'a>, Failure> {
        Ok(Server {
            connector,
            link: connector.open_first(name)?,
            output,
        })
    }

    /// One for each primary, as no single one has all names.
    fn all(connector: &'a Connector, output: Output) -> Result<Vec<Server<'a>>, Failure> {
        let server = |link| Server {
            connector,
            link,
            output,
        };
        Ok(connector.open_all()?.into_iter().map(server).collect())
    }

    fn call(&mut self, command: &Cmd) -> Result<Reply, Failure> {
        self.link
            .call(command, PATIENCE)
            .map_err(|error| self.connector.failure(&error))
    }

    /// The replies to several commands that go in one packet.
    fn call_all(&mut self, commands: &[Cmd]) -> Result<Vec<Result<Reply, CallError>>, Failure> {
        self.link
            .call_all(commands, PATIENCE)
            .map_err(|error| self.connector.failure(&error))
    }

    /// Asks page after page until the end, or until `take` has enough. Whether that was the end.
    fn pages(
        &mut self,
        command: impl Fn() -> Cmd,
        mut take: impl FnMut(&mut Server<'a>, Reply) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        let mut cursor = "0".to_string();
        loop {
            let mut command = command();
            command.arg("CURSOR").arg(&cursor);
            let [next, page] = &self.call(&command)?.items()[..] else {
                return Err(Failure::unavailable(
                    "the server answers what this program does not understand",
                ));
            };
            let goes_on = take(self, page.clone())?;
            cursor = next.text().unwrap_or_default();
            if cursor == "0" || !goes_on {
                return Ok(cursor == "0");
            }
        }
    }

    /// All names that this command lists, sorted.
    fn names(&mut self, command: &str, pattern: Option<&str>) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let ask = || {
            let mut ask = cmd(command);
            ask.arg("COUNT").arg(1000);
            pattern.into_iter().for_each(|pattern| {
                ask.arg("MATCH").arg(pattern);
            });
            ask
        };
        self.pages(ask, |_, page| {
            names.extend(page.items().iter().filter_map(Reply::text));
            Ok(true)
        })?;
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A duration as commands take it.
fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
