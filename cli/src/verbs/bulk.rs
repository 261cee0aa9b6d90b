//! `steward retry`, `cancel`, `bury`, `unclaim` and `purge`: of tasks that are named, or of many.
//!
//! Many are changed in bounded steps: by the command that does so, or page by page of what LIST shows.

mod many;

use std::time::Duration;

use redis::{Cmd, cmd};
use serde_json::json;

use super::args::{BuryArgs, CancelArgs, Chosen, PurgeArgs, RetryArgs, UnclaimArgs};
use super::tasks::PAGE;
use super::{Server, ask, by_id};
use crate::args::Output;
use crate::connect::{CallError, millis};
use crate::failure::{Failure, NOT_SO, say};
use crate::{output, signals};

type ById<'a> = Box<dyn Fn(&[String]) -> Vec<Cmd> + 'a>;
type ByStep<'a> = Box<dyn Fn(&str) -> Cmd + 'a>;

/// A change of tasks.
struct Change<'a> {
    verb: &'static str,
    /// The same of what is done.
    past: &'static str,
    chosen: &'a Chosen,
    which: Which<'a>,
    /// The commands that change tasks with these ids, at most a page of them.
    by_id: ById<'a>,
    /// The command that changes a step of many in this state; none: they are listed, and changed by their ids.
    by_step: Option<ByStep<'a>>,
}

/// Those that are not named.
#[derive(Default)]
struct Which<'a> {
    state: Option<&'a str>,
    worker: Option<&'a str>,
    older: Option<Duration>,
}

impl<'a> Which<'a> {
    fn state(state: &'a str) -> Which<'a> {
        let state = Some(state);
        Which {
            state,
            ..Which::default()
        }
    }

    /// What a worker has is claimed.
    fn of_worker(state: Option<&'a str>, worker: Option<&'a str>) -> Which<'a> {
        Which {
            state: state.or(worker.map(|_| "claimed")),
            worker,
            older: None,
        }
    }
}

pub(super) fn retry(server: &mut Server<'_>, args: &RetryArgs) -> Result<u8, Failure> {
    let queue = &args.chosen.queue;
    run(
        server,
        &Change {
            verb: "retry",
            past: "retried",
            chosen: &args.chosen,
            which: Which::state("dead"),
            by_id: Box::new(move |ids| by_id::retry(queue, ids)),
            by_step: Some(Box::new(move |_| cmd("TASK.RETRYALL").arg(queue).to_owned())),
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
            which: Which::of_worker(args.state.as_deref(), args.worker.as_deref()),
            by_id: Box::new(move |ids| by_id::cancel(queue, ids, reason)),
            by_step: Some(Box::new(move |state| {
                let mut step = cmd("TASK.CANCELALL");
                step.arg(queue).arg(state);
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
            which: Which::of_worker(args.state.as_deref(), args.worker.as_deref()),
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
            which: Which::of_worker(Some("claimed"), args.worker.as_deref()),
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
            which: Which {
                state: args.state.as_deref(),
                worker: None,
                older: args.older,
            },
            // Whatever their states are.
            by_id: Box::new(move |ids| {
                let states = ["scheduled", "ready", "blocked", "done", "dead"];
                states.iter().map(|state| by_id::purge(queue, state, ids)).collect()
            }),
            by_step: Some(Box::new(move |state| {
                let mut step = cmd("TASK.PURGE");
                step.arg(queue).arg(state);
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
    let which = &change.which;
    let has_filter = !chosen.filters.is_empty() || which.worker.is_some() || which.older.is_some();
    if !chosen.all && !has_filter {
        return Err(Failure::usage(format!(
            "{}: name tasks, a filter, or --all",
            change.verb
        )));
    }
    let Some(state) = which.state else {
        return Err(Failure::usage(format!(
            "{}: give --state, the state of the tasks",
            change.verb
        )));
    };
    let count = many::count(server, change, state)?;
    if count > 0 {
        let what = format!("{} {count} {state} {} of {}", change.verb, tasks(count), chosen.queue);
        if !ask::confirm(&what, chosen.yes)? {
            return Ok(NOT_SO);
        }
    }
    let (changed, signal) = many::many(server, change, state, count)?;
    tell(server.output, change, changed)?;
    if signal > 0 {
        say(format_args!("interrupted: {} left", count.saturating_sub(changed)));
    }
    signals::end_of(signal);
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
