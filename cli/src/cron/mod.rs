//! `steward cron`: recurring tasks as a file defines them.

mod apply;
mod file;
mod trial;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use clap::Subcommand;
use redis::cmd;

use crate::args::Output;
use crate::connect::{Connector, Reply};
use crate::failure::{Failure, NOT_SO};
use crate::output::record::Record;
use crate::output::table::Rows;
use crate::output::{json_line, line};
use crate::verbs::Server;
use apply::ApplyArgs;
use file::{Definition, Wanted};

#[derive(Subcommand)]
pub(crate) enum CronVerb {
    /// Define the recurring tasks of a file
    Apply(ApplyArgs),
    /// List recurring tasks
    Ls {
        /// Only those of this queue
        queue: Option<String>,
        /// Only those of this owner
        #[arg(long)]
        owner: Option<String>,
    },
    /// Make a task of a recurring one now
    Run {
        name: String,
        /// The queue that has it, if several have one of that name
        #[arg(long)]
        queue: Option<String>,
    },
    /// Show when the tasks of a file are due
    Next {
        file: PathBuf,
        /// How many times of each
        #[arg(short = 'n', long, default_value = "5")]
        limit: usize,
    },
}

pub(crate) fn run(connector: &Connector, output: Output, verb: CronVerb) -> Result<u8, Failure> {
    match verb {
        CronVerb::Apply(args) => apply::apply(connector, output, &args),
        CronVerb::Ls { queue, owner } => ls(connector, output, queue.as_deref(), owner.as_deref()),
        CronVerb::Run { name, queue } => run_now(connector, output, &name, queue.as_deref()),
        CronVerb::Next { file, limit } => next(connector, output, &file::read(&file)?, limit),
    }
}

/// The recurring tasks of a queue.
fn defined(server: &mut Server<'_>, queue: &str, owner: Option<&str>) -> Result<Vec<Record>, Failure> {
    let mut found = Vec::new();
    let ask = || {
        let mut ask = cmd("TASK.REPEATS");
        ask.arg(queue).arg("COUNT").arg(1000);
        owner.into_iter().for_each(|owner| {
            ask.arg("OWNER").arg(owner);
        });
        ask
    };
    server.pages(ask, |_, page| {
        found.extend(Record::all_of(&page).into_iter().map(|task| task.under("queue", queue)));
        Ok(true)
    })?;
    Ok(found)
}

/// The queues of a file: a connection for each, and what is defined there.
struct Queues<'a> {
    connector: &'a Connector,
    output: Output,
    met: BTreeMap<String, (Server<'a>, Vec<Record>)>,
}

impl<'a> Queues<'a> {
    fn new(connector: &'a Connector, output: Output) -> Queues<'a> {
        let met = BTreeMap::new();
        Queues { connector, output, met }
    }

    /// The connection for a queue, and its recurring task of this name.
    fn find(&mut self, queue: &str, name: &str) -> Result<(&mut Server<'a>, Option<&Record>), Failure> {
        let (server, defined) = match self.met.entry(queue.into()) {
            Entry::Occupied(met) => met.into_mut(),
            Entry::Vacant(new) => {
                let mut server = Server::of(self.connector, self.output, queue)?;
                let defined = defined(&mut server, queue, None)?;
                new.insert((server, defined))
            }
        };
        let known = defined.iter().find(|task| task.text("name").as_deref() == Some(name));
        Ok((server, known))
    }
}

/// Those of one queue, or of all.
fn all_defined(
    connector: &Connector,
    output: Output,
    queue: Option<&str>,
    owner: Option<&str>,
) -> Result<Vec<Record>, Failure> {
    let servers = match queue {
        Some(queue) => vec![Server::of(connector, output, queue)?],
        None => Server::all(connector, output)?,
    };
    let mut found = Vec::new();
    for mut server in servers {
        let queues = match queue {
            Some(queue) => vec![queue.to_string()],
            None => server.names("TASK.QUEUES", None)?,
        };
        for queue in queues {
            found.extend(defined(&mut server, &queue, owner)?);
        }
    }
    Ok(found)
}

fn ls(connector: &Connector, output: Output, queue: Option<&str>, owner: Option<&str>) -> Result<u8, Failure> {
    let columns = ["queue", "name", "rule", "next_at", "last_at", "fired_total", "owner"];
    let mut rows = Rows::new(output, &columns);
    for task in all_defined(connector, output, queue, owner)? {
        rows.add(task)?;
    }
    rows.end()?;
    Ok(0)
}

fn run_now(connector: &Connector, output: Output, name: &str, queue: Option<&str>) -> Result<u8, Failure> {
    let queue = match queue {
        Some(queue) => queue.to_string(),
        None => {
            let all = all_defined(connector, output, None, None)?;
            let mut queues = all.iter().filter(|task| task.text("name").as_deref() == Some(name));
            match (queues.next().and_then(|task| task.text("queue")), queues.next()) {
                (Some(queue), None) => queue,
                (Some(_), Some(_)) => {
                    return Err(Failure::usage(format!(
                        "several queues have a recurring task {name}: give --queue"
                    )));
                }
                (None, _) => return Err(Failure::new(NOT_SO, format!("no queue has a recurring task {name}"))),
            }
        }
    };
    let mut server = Server::of(connector, output, &queue)?;
    let id = server.call(cmd("TASK.TRIGGER").arg(&queue).arg(name))?;
    match output {
        Output::Text => line(id.text().unwrap_or_default())?,
        Output::Json => json_line(&Record::default().and("id", id).and("queue", &queue[..]).json())?,
    }
    Ok(0)
}

fn next(connector: &Connector, output: Output, wanted: &Wanted, count: usize) -> Result<u8, Failure> {
    let mut rows = Rows::new(output, &["queue", "name", "due_at"]);
    let mut queues = Queues::new(connector, output);
    for ((queue, name), definition) in &wanted.tasks {
        let (server, known) = queues.find(queue, name)?;
        let is_kept = |known: &&Record| {
            let changes = definition.changes(&Definition::shown(known));
            !changes.iter().any(|(field, ..)| matches!(*field, "rule" | "start_at"))
        };
        let known = known
            .filter(is_kept)
            .and_then(|known| i64::try_from(known.get("next_at")?.number()?).ok());
        let dues = trial::following(server, queue, definition, known, count);
        for due in dues.map_err(|error| trial::refused(server, definition, &error))? {
            rows.add(
                Record::default()
                    .and("queue", &queue[..])
                    .and("name", &name[..])
                    .and("due_at", Reply::from(due)),
            )?;
        }
    }
    rows.end()?;
    Ok(0)
}
