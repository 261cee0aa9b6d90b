//! Of many tasks: how many they are, and their change, step by step, until an interrupt.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use redis::cmd;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::super::Server;
use super::super::tasks::{PAGE, filter, list};
use super::{Change, Which, these};
use crate::connect::{Reply, millis};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::signals;

/// How many there are now.
pub(super) fn count(server: &mut Server<'_>, change: &Change<'_>, state: &str) -> Result<usize, Failure> {
    let Which { worker, older, .. } = change.which;
    let (queue, filters) = (&change.chosen.queue, &change.chosen.filters);
    if change.chosen.all && worker.is_none() && older.is_none() {
        let stats = server.call(cmd("TASK.STATS").arg(queue))?.fields();
        let tasks = stats.get(&format!("{state}_tasks")).and_then(Reply::number);
        return Ok(tasks.and_then(|tasks| usize::try_from(tasks).ok()).unwrap_or(0));
    }
    let mut count = 0;
    let bar = ProgressBar::new_spinner().with_message("counting");
    let latest =
        older.map(|older| Timestamp::now().as_millisecond() - i64::try_from(millis(older)).unwrap_or(i64::MAX));
    let is_meant = |task: &Record| latest.is_none_or(|latest| task.number(since(state)).is_some_and(|at| at <= latest));
    let page = || list(queue, state, filters, worker).arg("COUNT").arg(PAGE).to_owned();
    server.pages(page, |_, page| {
        count += Record::all_of(&page).iter().filter(|task| is_meant(task)).count();
        bar.set_message(format!("counting: {count}"));
        bar.tick();
        Ok(true)
    })?;
    bar.finish_and_clear();
    Ok(count)
}

/// The field from which the age of a task in this state counts. When a blocked one became so is not shown: it was
/// created earlier.
fn since(state: &str) -> &'static str {
    match state {
        "done" | "dead" => "finished_at",
        "ready" => "due_at",
        _ => "created_at",
    }
}

/// Changes so many, and returns how many it were and the signal that ended it, or 0. Tasks that come meanwhile, as those
/// that die again, are not meant.
pub(super) fn many(
    server: &mut Server<'_>,
    change: &Change<'_>,
    state: &str,
    count: usize,
) -> Result<(usize, usize), Failure> {
    if count == 0 {
        return Ok((0, 0));
    }
    let signal = signals::noted(&[SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| Failure::unavailable(format!("the system refuses: {error}")))?;
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len}, {eta} left") {
        bar.set_style(style);
    }
    bar.tick();
    let chosen = change.chosen;
    let changed = Cell::new(0);
    let step = || {
        let mut step = match &change.by_step {
            Some(step) => {
                let mut step = step(state);
                filter(&mut step, &chosen.filters);
                step
            }
            None => list(&chosen.queue, state, &chosen.filters, change.which.worker),
        };
        // Without a filter all that are looked at are changed.
        let left = count.saturating_sub(changed.get()).clamp(1, PAGE);
        step.arg("COUNT").arg(if chosen.all { left } else { PAGE });
        step
    };
    let walked = server.pages(step, |server, reply| {
        let more = match reply.number() {
            Some(number) => usize::try_from(number).unwrap_or(0),
            None => {
                let tasks = Record::all_of(&reply);
                let ids: Vec<String> = tasks.iter().filter_map(|task| task.text("id")).collect();
                these(server, change, &ids)?
            }
        };
        changed.set(changed.get() + more);
        bar.set_position(u64::try_from(changed.get()).unwrap_or(u64::MAX));
        Ok(changed.get() < count && signal.load(Ordering::Relaxed) == 0)
    });
    bar.finish_and_clear();
    let changed = changed.get();
    walked.map_err(|failure| failure.after(changed))?;
    Ok((
        changed,
        if changed < count {
            signal.load(Ordering::Relaxed)
        } else {
            0
        },
    ))
}
