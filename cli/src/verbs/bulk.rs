//! `steward retry`, `cancel`, `bury`, `unclaim` and `purge`: of tasks that are named, or of many.
//!
//! Many are changed in bounded steps: by the command that does so, or page by page of what LIST shows.

use indicatif::{ProgressBar, ProgressStyle};
use redis::{Cmd, cmd};
use serde_json::json;

use super::args::{BuryArgs, CancelArgs, Chosen, PurgeArgs, RetryArgs, UnclaimArgs};
use super::tasks::{PAGE, filter, list};
use super::{Server, ask, by_id};
use crate::args::Output;
use crate::connect::{CallError, Reply, millis};
use crate::failure::{Failure, NOT_SO, say};
use crate::output;

type ById<'a> = Box<dyn Fn(&[String]) -> Vec<Cmd> + 'a>;

/// A change of tasks.
struct Change<'a> {
    verb: &'static str,
    /// The same of what is done.
    past: &'static str,
    chosen: &'a Chosen,
    /// The state of those that are not named.
    state: Option<&'a str>,
    worker: Option<&'a str>,
    /// The commands that change tasks with these ids, at most a page of them.
    by_id: ById<'a>,
    /// The command that changes a step of many; none: they are listed, and changed by their ids.
    by_step: Option<Box<dyn Fn() -> Cmd + 'a>>,
}

pub(super) fn retry(server: &mut Server<'_>, args: &RetryArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    run(
        server,
        &Change {
            verb: "retry",
            past: "retried",
            chosen: &args.chosen,
            state: Some("dead"),
            worker: None,
            by_id: Box::new(move |ids| by_id::retry(queue, ids)),
            by_step: Some(Box::new(move || cmd("TASK.RETRYALL").arg(queue).to_owned())),
        },
    )
}

pub(super) fn cancel(server: &mut Server<'_>, args: &CancelArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    let reason = args.reason.as_deref();
    run(
        server,
        &Change {
            verb: "cancel",
            past: "cancelled",
            chosen: &args.chosen,
            state: args.state.as_deref(),
            worker: args.worker.as_deref(),
            by_id: Box::new(move |ids| by_id::cancel(queue, ids, reason)),
            by_step: Some(Box::new(move || {
                let mut step = cmd("TASK.CANCELALL");
                step.arg(queue).arg(&args.state);
                args.worker.iter().for_each(|worker| {
                    step.arg("WORKER").arg(worker);
                });
                by_id::reasoned(step, reason)
            })),
        },
    )
}

pub(super) fn bury(server: &mut Server<'_>, args: &BuryArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    run(
        server,
        &Change {
            verb: "bury",
            past: "buried",
            chosen: &args.chosen,
            state: args.state.as_deref(),
            worker: args.worker.as_deref(),
            by_id: Box::new(move |ids| by_id::bury(queue, ids, args.reason.as_deref())),
            by_step: None,
        },
    )
}

pub(super) fn unclaim(server: &mut Server<'_>, args: &UnclaimArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    run(
        server,
        &Change {
            verb: "unclaim",
            past: "unclaimed",
            chosen: &args.chosen,
            state: Some("claimed"),
            worker: args.worker.as_deref(),
            by_id: Box::new(move |ids| by_id::unclaim(queue, ids)),
            by_step: None,
        },
    )
}

pub(super) fn purge(server: &mut Server<'_>, args: &PurgeArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    run(
        server,
        &Change {
            verb: "purge",
            past: "purged",
            chosen: &args.chosen,
            state: args.state.as_deref(),
            worker: None,
            // Whatever their states are.
            by_id: Box::new(move |ids| {
                let states = ["scheduled", "ready", "blocked", "done", "dead"];
                states.iter().map(|state| by_id::purge(queue, state, ids)).collect()
            }),
            by_step: Some(Box::new(move || {
                let mut step = cmd("TASK.PURGE");
                step.arg(queue).arg(&args.state);
                args.older.iter().for_each(|older| {
                    step.arg("OLDER").arg(millis(*older));
                });
                step
            })),
        },
    )
}

fn run(server: &mut Server<'_>, change: &Change<'_>) -> Result<u8, Failure> {
    let chosen = change.chosen;
    if !chosen.ids.is_empty() {
        let mut changed = 0;
        for ids in chosen.ids.chunks(PAGE) {
            changed += these(server, change, ids)?;
        }
        tell(server.output, change, changed)?;
        let missed = chosen.ids.len().saturating_sub(changed);
        if missed > 0 {
            say(format_args!("{missed} of {} not {}", chosen.ids.len(), change.past));
        }
        return Ok(if missed > 0 { NOT_SO } else { 0 });
    }
    let has_filter = !chosen.filters.is_empty() || change.worker.is_some();
    if !chosen.all && !has_filter {
        return Err(Failure::usage(format!(
            "{}: name tasks, a filter, or --all",
            change.verb
        )));
    }
    let Some(state) = change.state else {
        return Err(Failure::usage(format!(
            "{}: give --state, the state of the tasks",
            change.verb
        )));
    };
    let count = count(server, change, state)?;
    if count > 0 {
        let what = format!("{} {count} {state} {} of {}", change.verb, tasks(count), chosen.queue);
        if !ask::confirm(&what, chosen.yes)? {
            return Ok(NOT_SO);
        }
    }
    let changed = many(server, change, state, count)?;
    tell(server.output, change, changed)?;
    Ok(0)
}

fn tell(form: Output, change: &Change<'_>, changed: usize) -> Result<(), Failure> {
    match form {
        Output::Text => output::line(format_args!("{} {changed} {}", change.past, tasks(changed))),
        Output::Json => {
            output::json_line(&json!({"queue": change.chosen.queue, "verb": change.verb, "changed_tasks": changed}))
        }
    }
}

fn tasks(count: usize) -> &'static str {
    if count == 1 { "task" } else { "tasks" }
}

/// How many there are now.
fn count(server: &mut Server<'_>, change: &Change<'_>, state: &str) -> Result<usize, Failure> {
    let queue = &change.chosen.queue;
    if change.chosen.all && change.worker.is_none() {
        let stats = server.call(cmd("TASK.STATS").arg(queue))?.fields();
        let tasks = stats.get(&format!("{state}_tasks")).and_then(Reply::number);
        return Ok(tasks.and_then(|tasks| usize::try_from(tasks).ok()).unwrap_or(0));
    }
    let mut count = 0;
    let bar = ProgressBar::new_spinner().with_message("counting");
    let page = || {
        list(queue, state, &change.chosen.filters, change.worker)
            .arg("COUNT")
            .arg(PAGE)
            .to_owned()
    };
    server.pages(page, |_, page| {
        count += page.items().len();
        bar.set_message(format!("counting: {count}"));
        bar.tick();
        Ok(true)
    })?;
    bar.finish_and_clear();
    Ok(count)
}

/// Changes so many. Tasks that come meanwhile, as those that die again, are not meant.
fn many(server: &mut Server<'_>, change: &Change<'_>, state: &str, count: usize) -> Result<usize, Failure> {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len}, {eta} left") {
        bar.set_style(style);
    }
    let chosen = change.chosen;
    let changed = std::cell::Cell::new(0);
    let step = || {
        let mut step = match &change.by_step {
            Some(step) => {
                let mut step = step();
                filter(&mut step, &chosen.filters);
                step
            }
            None => list(&chosen.queue, state, &chosen.filters, change.worker),
        };
        // Without a filter all that are looked at are changed.
        let left = count.saturating_sub(changed.get()).clamp(1, PAGE);
        step.arg("COUNT").arg(if chosen.all { left } else { PAGE });
        step
    };
    if count > 0 {
        server.pages(step, |server, reply| {
            let more = match reply.number() {
                Some(number) => usize::try_from(number).unwrap_or(0),
                None => {
                    let ids = reply
                        .items()
                        .into_iter()
                        .filter_map(|task| task.fields().get("id")?.text());
                    these(server, change, &ids.collect::<Vec<_>>())?
                }
            };
            changed.set(changed.get() + more);
            bar.set_position(u64::try_from(changed.get()).unwrap_or(u64::MAX));
            Ok(changed.get() < count)
        })?;
    }
    bar.finish_and_clear();
    Ok(changed.get())
}

/// Changes those with these ids. One that is gone, or in another state, is left out.
fn these(server: &mut Server<'_>, change: &Change<'_>, ids: &[String]) -> Result<usize, Failure> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut changed = 0;
    for reply in server.call_all(&(change.by_id)(ids))? {
        changed += match reply {
            Ok(reply) => by_id::changed_in(&reply),
            Err(CallError::Server { code, .. }) if code == "NOTASK" => 0,
            Err(error) => return Err(server.connector.failure(&error)),
        };
    }
    Ok(changed)
}
