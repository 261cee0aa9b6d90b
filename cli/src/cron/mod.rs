//! `steward cron`: recurring tasks as a file defines them.

mod file;
mod trial;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use redis::cmd;
use serde_json::{Map, json};

use crate::args::Output;
use crate::connect::{Connector, Reply};
use crate::failure::{Failure, NOT_SO, say};
use crate::output::record::Record;
use crate::output::table::Rows;
use crate::output::{json_line, line};
use crate::verbs::{Server, ask};
use file::{Definition, Wanted};

/// What `--dry-run` ends with when there is something to do.
const DIFFERENT: u8 = 2;

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

#[derive(Args)]
pub(crate) struct ApplyArgs {
    pub file: PathBuf,
    /// Remove what belongs to the owner of the file and is not in it
    #[arg(long)]
    pub prune: bool,
    /// Only show the difference; 2 if there is any
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// A difference, and what makes it go.
struct Step {
    queue: String,
    name: String,
    what: What,
}

enum What {
    Add(Definition),
    Change(Definition, Vec<(&'static str, String, String)>),
    Remove(Definition),
}

pub(crate) fn run(connector: &Connector, output: Output, verb: CronVerb) -> Result<u8, Failure> {
    match verb {
        CronVerb::Apply(args) => apply(connector, output, &args),
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
        for due in dues.map_err(|error| trial::refused(server, name, &error))? {
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

fn apply(connector: &Connector, output: Output, args: &ApplyArgs) -> Result<u8, Failure> {
    let wanted = file::read(&args.file)?;
    if args.prune && wanted.owner.is_none() {
        return Err(Failure::usage("--prune needs owner = \"...\" in the file"));
    }
    let mut steps = differences(connector, output, &wanted)?;
    let owned = match &wanted.owner {
        Some(owner) => all_defined(connector, output, None, Some(owner))?,
        None => Vec::new(),
    };
    let gone: Vec<Step> = owned.iter().filter_map(|task| removal(task, &wanted)).collect();
    let (left, removed) = if args.prune { (0, gone.len()) } else { (gone.len(), 0) };
    if args.prune {
        steps.extend(gone);
    }
    steps.iter().try_for_each(|step| show(output, step))?;
    if left > 0 {
        say(format_args!(
            "{left} more of this owner are not in the file: --prune removes them"
        ));
    }
    if args.dry_run {
        return Ok(if steps.is_empty() { 0 } else { DIFFERENT });
    }
    let is_much = removed > 0 && (removed * 2 > owned.len() || wanted.tasks.is_empty());
    if is_much
        && !ask::confirm(
            &format!("remove {removed} of the {} recurring tasks of this owner", owned.len()),
            args.yes,
        )?
    {
        return Ok(NOT_SO);
    }
    for step in &steps {
        let mut server = Server::of(connector, output, &step.queue)?;
        match &step.what {
            What::Add(definition) | What::Change(definition, _) => {
                server.call(&definition.repeat(&step.queue, &step.name))?
            }
            What::Remove(_) => server.call(cmd("TASK.UNREPEAT").arg(&step.queue).arg(&step.name))?,
        };
    }
    Ok(0)
}

/// What is to be defined. All of it has been accepted by the server, so nothing is left half done by a mistake.
fn differences(connector: &Connector, output: Output, wanted: &Wanted) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut queues = Queues::new(connector, output);
    for ((queue, name), definition) in &wanted.tasks {
        let (server, known) = queues.find(queue, name)?;
        let what = match known {
            None => What::Add(definition.clone()),
            Some(old) => match definition.changes(&Definition::shown(old)) {
                changes if changes.is_empty() => continue,
                changes => What::Change(definition.clone(), changes),
            },
        };
        let accepted = trial::next(server, queue, definition);
        accepted.map_err(|error| trial::refused(server, name, &error))?;
        steps.push(Step {
            queue: queue.clone(),
            name: name.clone(),
            what,
        });
    }
    Ok(steps)
}

fn removal(task: &Record, wanted: &Wanted) -> Option<Step> {
    let key = (task.text("queue")?, task.text("name")?);
    let is_wanted = wanted.tasks.contains_key(&key);
    (!is_wanted).then(|| Step {
        queue: key.0,
        name: key.1,
        what: What::Remove(Definition::shown(task)),
    })
}

fn show(form: Output, step: &Step) -> Result<(), Failure> {
    let of = format!("{}/{}", step.queue, step.name);
    let (sign, change, definition) = match &step.what {
        What::Add(definition) => ('+', "add", definition),
        What::Change(definition, _) => ('~', "change", definition),
        What::Remove(definition) => ('-', "remove", definition),
    };
    if form == Output::Json {
        let mut fields = Map::new();
        if let What::Change(_, changes) = &step.what {
            fields.extend(
                changes
                    .iter()
                    .map(|(name, old, new)| ((*name).into(), json!([old, new]))),
            );
        }
        let json = json!({"change": change, "queue": step.queue, "name": step.name, "rule": definition.rule(), "fields": fields});
        return json_line(&json);
    }
    match &step.what {
        What::Change(_, changes) => {
            line(format_args!("{sign} {of}"))?;
            changes
                .iter()
                .try_for_each(|(name, old, new)| line(format_args!("    {name}: {old} -> {new}")))
        }
        _ => line(format_args!("{sign} {of}  {}", definition.rule())),
    }
}
