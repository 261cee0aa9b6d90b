//! `steward cron apply`.

use std::path::PathBuf;

use clap::Args;
use redis::cmd;
use serde_json::{Map, json};

use super::file::{self, Definition, Wanted};
use super::{Queues, all_defined, trial};
use crate::args::Output;
use crate::connect::Connector;
use crate::failure::{Failure, NOT_SO, say};
use crate::output::record::Record;
use crate::output::{json_line, line};
use crate::verbs::{Server, ask};

/// What `--dry-run` ends with when there is something to do.
const DIFFERENT: u8 = 2;

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

pub(super) fn apply(connector: &Connector, output: Output, args: &ApplyArgs) -> Result<u8, Failure> {
    let wanted = file::read(&args.file)?;
    if args.prune && wanted.owner.is_none() {
        return Err(Failure::usage("--prune needs owner = \"...\" in the file"));
    }
    if wanted.tasks.is_empty() {
        say(format_args!("{} has no [task.NAME]", args.file.display()));
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
        accepted.map_err(|error| trial::refused(server, definition, &error))?;
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
