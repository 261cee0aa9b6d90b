//! `steward ls` and `steward show`.

use redis::{Cmd, Value, cmd};

use super::Server;
use super::args::{Filters, LsArgs, ShowArgs};
use crate::connect::Reply;
use crate::failure::{Failure, NOT_SO, say};
use crate::output::record::Record;
use crate::output::table::{Rows, one};
use crate::output::{self, text};

/// How many tasks a page looks at.
pub(super) const PAGE: usize = 1_000;

pub(super) fn ls(server: &mut Server<'_>, args: &LsArgs) -> Result<u8, Failure> {
    let mut rows = Rows::new(server.output, &columns(&args.state, args.payloads));
    let most = if args.all { usize::MAX } else { args.limit };
    let mut shown = 0;
    let ask = || {
        let mut ask = list(&args.queue, &args.state, &args.filters, args.worker.as_deref());
        ask.arg("COUNT")
            .arg(page_of(most.saturating_add(1), &args.filters, args.worker.as_deref()));
        if args.rev {
            ask.arg("REV");
        }
        if args.payloads {
            ask.arg("PAYLOADS");
        }
        ask
    };
    let mut cut = false;
    let ended = server.pages(ask, |_, page| {
        let tasks = Record::all_of(&page);
        cut = tasks.len() > most - shown;
        for task in tasks.into_iter().take(most - shown) {
            shown += 1;
            rows.add(task)?;
        }
        Ok(shown < most)
    })?;
    rows.end()?;
    if cut || !ended {
        say(format_args!(
            "these are the first {shown}, there may be more: use --limit N or --all"
        ));
    }
    Ok(0)
}

/// With a filter few of a page may be shown.
fn page_of(most: usize, filters: &Filters, worker: Option<&str>) -> usize {
    if !filters.is_empty() || worker.is_some() {
        PAGE
    } else {
        most.clamp(1, PAGE)
    }
}

/// The tasks of a state, without a page.
pub(crate) fn list(queue: &str, state: &str, filters: &Filters, worker: Option<&str>) -> Cmd {
    let mut command = cmd("TASK.LIST");
    command.arg(queue).arg(state);
    filter(&mut command, filters);
    if let Some(worker) = worker {
        command.arg("WORKER").arg(worker);
    }
    command
}

/// Adds the filters.
pub(super) fn filter(command: &mut Cmd, filters: &Filters) {
    if let Some(kind) = &filters.kind {
        command.arg("KIND").arg(kind);
    }
    if let Some(pattern) = &filters.pattern {
        command.arg("MATCH").arg(pattern);
    }
    if filters.attempted {
        command.arg("ATTEMPTED");
    }
}

/// What matters of tasks in this state.
fn columns(state: &str, payloads: bool) -> Vec<&'static str> {
    let mut columns = vec!["id", "kind"];
    columns.extend(match state {
        "claimed" => &["worker", "claimed_at", "remaining_ms", "attempt", "progress"][..],
        "blocked" => &["group", "after", "after_in", "due_at"],
        "done" => &["finished_at", "run_ms", "error"],
        "dead" => &["finished_at", "attempt", "losses", "error"],
        _ => &["due_at", "priority", "attempt", "error"],
    });
    if payloads {
        columns.extend(if state == "done" {
            &["result", "payload"][..]
        } else {
            &["payload"]
        });
    }
    columns
}

pub(super) fn show(server: &mut Server<'_>, args: &ShowArgs) -> Result<u8, Failure> {
    let reply = server.call(cmd("TASK.GET").arg(&args.queue).arg(&args.id))?;
    if reply.is_null() {
        say(format_args!("no task {} in {}", args.id, args.queue));
        return Ok(NOT_SO);
    }
    let task = Record::of(&reply).under("queue", &args.queue[..]);
    match &args.field {
        Some(name) => raw(&task, name)?,
        None => one(server.output, &task)?,
    }
    Ok(0)
}

/// Writes the bytes of a field, and nothing else.
fn raw(task: &Record, name: &str) -> Result<(), Failure> {
    if !task.fields().any(|(known, _)| known == name) {
        let known: Vec<&str> = task.fields().map(|(name, _)| name).collect();
        return Err(Failure::usage(format!("--field is one of {}", known.join(", "))));
    }
    match task.get(name) {
        None => Ok(()),
        Some(list @ Reply(Value::Array(_))) => output::raw(text::field(name, list).as_bytes()),
        Some(value) => {
            let text = value.text().unwrap_or_default();
            output::raw(value.bytes().unwrap_or(text.as_bytes()))
        }
    }
}
