//! AFTER: the tasks that a new one waits for.

use std::collections::BTreeSet;

use crate::command::MAX_COUNT;
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::task::handle::Queue;
use crate::task::header::TaskState;
use crate::task::index::blocked;
use crate::task::options::{AfterArgs, Options};

/// Blocked until those of these tasks that are still running have ended. Errors with `NoParent` for one that is unknown,
/// unless MISSINGOK lets it count as acknowledged, and for one that did not succeed, unless ONFAIL RUN is given, or
/// ONFAIL WAIT and it is dead; and with `BadArg` or `NoPermission` unless the queues given as IN are in the same slot
/// and the caller may write to them.
pub(crate) fn depend(
    queue: &mut Queue<'_>,
    options: &mut Options,
    after: Option<&AfterArgs<'_>>,
    caller: &Caller<'_>,
) -> Result<()> {
    let Some(after) = after else {
        return Ok(());
    };
    ensure_count(after.len())?;
    options.onfail_run = after.runs_anyway();
    options.onfail_wait = after.waits_for_retry();
    blocked::ensure_types(queue)?;
    let own = queue.name.clone();
    let mut seen = BTreeSet::new();
    options.after = running(queue, after, unseen(&own, &after.ids, &mut seen))?;
    for other in &after.others.0 {
        let name = own.neighbour("IN", other.queue.as_bytes())?;
        caller.ensure_may_write(&name, "IN")?;
        let ids = unseen(&name, &other.ids, &mut seen);
        let ids = queue.within(&name, |queue| running(queue, after, ids))?;
        if name == own {
            options.after.extend(ids);
        } else if !ids.is_empty() {
            options.after_in.push((other.queue.to_string(), ids));
        }
    }
    Ok(())
}

fn ensure_count(ids: usize) -> Result<()> {
    match ids {
        0 => Err(Error::BadArg(format!(
            "numids must be an integer from 1 to {MAX_COUNT}, or 0 before IN"
        ))),
        1..=MAX_COUNT => Ok(()),
        _ => Err(Error::BadArg(format!(
            "AFTER has {ids} ids with those of IN: at most {MAX_COUNT}"
        ))),
    }
}

/// Those of these ids of a queue that are not seen yet.
fn unseen<'a>(name: &Name, ids: &[&'a str], seen: &mut BTreeSet<(Name, &'a str)>) -> Vec<&'a str> {
    let ids = ids.iter().copied();
    ids.filter(|id| seen.insert((name.clone(), id))).collect()
}

/// Those of these tasks that have not ended, or are dead and waited for.
fn running(queue: &mut Queue<'_>, after: &AfterArgs<'_>, ids: Vec<&str>) -> Result<Vec<String>> {
    let mut running = Vec::new();
    for id in ids {
        let parent = queue.find(id.as_bytes())?;
        let failed = match parent.as_ref().map(|parent| parent.header.state) {
            None if after.missing_ok => continue,
            None => "unknown",
            Some(TaskState::Done | TaskState::Removed) => continue,
            Some(TaskState::Dead) if !after.waits_for_retry() => "dead",
            Some(TaskState::Cancelled) => "cancelled",
            Some(TaskState::Expired) => "expired",
            Some(TaskState::Claimed) if parent.is_some_and(|parent| parent.is_cancelled()) => "cancelled",
            Some(_) => {
                queue.keys.ensure_type(queue.name.after(id.as_bytes()))?;
                running.push(id.to_string());
                continue;
            }
        };
        if failed == "unknown" || !after.runs_anyway() {
            return Err(Error::NoParent(id.into(), failed));
        }
    }
    Ok(running)
}
