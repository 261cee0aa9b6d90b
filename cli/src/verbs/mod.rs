//! The verbs: what people and scripts ask and change.

mod args;
pub(crate) mod ask;
mod bulk;
pub(crate) mod by_id;
pub(crate) mod events;
mod history;
pub(crate) mod moment;
mod people;
mod put;
mod queue;
mod queues;
mod tasks;
mod watch;

use redis::{Cmd, cmd};

use crate::args::{Common, Output};
use crate::connect::{CallError, Connector, Link, PATIENCE, Reply, Walk};
use crate::failure::Failure;
use crate::signals::undisturbed;
use crate::{cron, doctor, metrics};
pub(crate) use args::{Filters, Verb};
pub(crate) use queue::backoff;
pub(crate) use tasks::list;
pub(crate) use watch::info;

/// Runs one.
pub(crate) fn run(common: &Common, verb: Verb) -> Result<u8, Failure> {
    let (connector, output) = (common.connector()?, common.output);
    let of = |name: &str| Server::of(&connector, output, name);
    match verb {
        Verb::Put(args) => put::run(&mut of(&args.queue)?, &args),
        Verb::Queues { pattern } => queues::run(&connector, output, pattern.as_deref()),
        Verb::Ls(args) => tasks::ls(&mut of(&args.queue)?, &args),
        Verb::Show(args) => tasks::show(&mut of(&args.queue)?, &args),
        Verb::Retry(args) => undisturbed(|| bulk::retry(&mut of(&args.chosen.queue)?, &args)),
        Verb::Cancel(args) => undisturbed(|| bulk::cancel(&mut of(&args.chosen.queue)?, &args)),
        Verb::Bury(args) => undisturbed(|| bulk::bury(&mut of(&args.chosen.queue)?, &args)),
        Verb::Unclaim(args) => undisturbed(|| bulk::unclaim(&mut of(&args.chosen.queue)?, &args)),
        Verb::Purge(args) => undisturbed(|| bulk::purge(&mut of(&args.chosen.queue)?, &args)),
        Verb::Pause { queue, time } => queue::pause(&mut of(&queue)?, &queue, time),
        Verb::Resume { queue } => queue::resume(&mut of(&queue)?, &queue),
        Verb::Config { queue, fields } => queue::config(&mut of(&queue)?, &queue, &fields),
        Verb::Stats(args) => watch::run(&connector, output, &args),
        Verb::Workers { queue } => people::workers(&mut of(&queue)?, &queue),
        Verb::Members { service, host } => people::members(&connector, output, service.as_deref(), host.as_deref()),
        Verb::Leaders { pattern } => people::leaders(&connector, output, pattern.as_deref()),
        Verb::Signal(args) => people::signal(&mut of(&args.service)?, &args),
        Verb::Events(args) => events::run(&mut of(&args.name)?, &args),
        Verb::History {
            queue,
            hours,
            days,
            kinds,
        } => history::run(&mut of(&queue)?, &queue, (hours, days), kinds),
        Verb::Cron { verb } => cron::run(&connector, output, verb),
        Verb::Doctor => doctor::run(&connector, output),
        Verb::Metrics(args) => metrics::run(&connector, &args),
        Verb::Explain { queue, workers } => people::explain(&mut of(&queue)?, &queue, &workers),
    }
}

/// A connection to the server that has a name, and how its replies are shown.
pub(crate) struct Server<'a> {
    pub connector: &'a Connector,
    pub link: Link,
    pub output: Output,
}

impl<'a> Server<'a> {
    pub(crate) fn of(connector: &'a Connector, output: Output, name: &str) -> Result<Server<'a>, Failure> {
        Ok(Server {
            connector,
            link: connector.open_first(name)?,
            output,
        })
    }

    /// One for each primary, as no single one has all names.
    pub(crate) fn all(connector: &'a Connector, output: Output) -> Result<Vec<Server<'a>>, Failure> {
        let server = |link| Server {
            connector,
            link,
            output,
        };
        Ok(connector.open_all()?.into_iter().map(server).collect())
    }

    pub(crate) fn call(&mut self, command: &Cmd) -> Result<Reply, Failure> {
        self.link
            .call(command, PATIENCE)
            .map_err(|error| self.connector.failure(&error))
    }

    /// The replies to several commands that go in one packet.
    pub(crate) fn call_all(&mut self, commands: &[Cmd]) -> Result<Vec<Result<Reply, CallError>>, Failure> {
        self.link
            .call_all(commands, PATIENCE)
            .map_err(|error| self.connector.failure(&error))
    }

    /// Asks the same of many names, a hundred at once.
    pub(crate) fn each(
        &mut self,
        names: &[String],
        ask: impl Fn(&str) -> Cmd,
        mut take: impl FnMut(&str, Reply) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for names in names.chunks(100) {
            let asked: Vec<Cmd> = names.iter().map(|name| ask(name)).collect();
            for (name, reply) in names.iter().zip(self.call_all(&asked)?) {
                take(name, reply.map_err(|error| self.connector.failure(&error))?)?;
            }
        }
        Ok(())
    }

    /// Asks page after page until the end, or until `take` has enough. Whether that was the end.
    pub(crate) fn pages(
        &mut self,
        command: impl Fn() -> Cmd,
        mut take: impl FnMut(&mut Server<'a>, Reply) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        let mut walk = Walk::default();
        loop {
            let page = walk.next(&mut self.link, command(), PATIENCE);
            let Some(page) = page.map_err(|error| self.connector.failure(&error))? else {
                return Ok(true);
            };
            if !take(self, page)? {
                return Ok(walk.is_over());
            }
        }
    }

    /// All that this command lists.
    pub(crate) fn list(&mut self, list: &Cmd) -> Result<Vec<Reply>, Failure> {
        self.link
            .list(list, PATIENCE)
            .map_err(|error| self.connector.failure(&error))
    }

    /// All names that this command lists, sorted.
    pub(crate) fn names(&mut self, command: &str, pattern: Option<&str>) -> Result<Vec<String>, Failure> {
        let listed = self.list(&matching(command, pattern))?;
        let mut names: Vec<String> = listed.iter().filter_map(Reply::text).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A command that lists names, those of this pattern.
pub(crate) fn matching(command: &str, pattern: Option<&str>) -> Cmd {
    let mut list = cmd(command);
    pattern.into_iter().for_each(|pattern| {
        list.arg("MATCH").arg(pattern);
    });
    list
}
