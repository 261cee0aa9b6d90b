//! A task as GET and LIST show it.

use crate::error::Result;
use crate::names::{Index, Part};
use crate::reply::Reply;
use crate::task::handle::{Queue, Task};
use crate::task::header::{CANCELLED, EXPIRES, TaskState};
use crate::task::index::{dependencies, targeted};
use crate::task::{kind, options};
use crate::time::Steady;

/// Everything known about a task but its token; the result only with the payload.
pub(crate) fn render(queue: &mut Queue<'_>, task: &Task, payload: Option<Vec<u8>>) -> Result<Reply> {
    let header = &task.header;
    let state = queue.place(task)?;
    let kind = kind::of(queue, task);
    let options = task.options(queue);
    let to = targeted::target(queue, task);
    let attempts = queue.max_attempts(options);
    let dependents = dependencies::count(queue, task);
    let error = queue.field(task, options::ERROR);
    let progress = queue.field(task, options::PROGRESS);
    let result = payload.as_ref().and_then(|_| queue.field(task, options::RESULT));
    let default_lease = queue.settings.numbers.lease(&queue.context.config);
    let mut lease = Some(options.lease.unwrap_or(default_lease));
    let (mut worker, mut remaining_ms, mut expires_at) = (None, None, None);
    let (mut finished_at, mut kept_until) = (None, None);
    let mut due_at = Some(header.due.0);
    let has_run = header.deliveries > 0 && header.state != TaskState::Claimed;
    let is_cancelled = header.has(CANCELLED) || header.state == TaskState::Cancelled;
    let run_ms = has_run.then_some(header.lease);
    match header.state {
        TaskState::Waiting if header.has(EXPIRES) => {
            let expiring = queue.name.of_queue(Part::Expiring);
            expires_at = queue.keys.zscore(expiring, &task.id).unwrap_or(None);
        }
        TaskState::Claimed => {
            worker = queue.worker_name(header.worker)?;
            lease = header.lease();
            remaining_ms = remaining(queue, task)?;
        }
        TaskState::Done | TaskState::Cancelled | TaskState::Expired => {
            lease = None;
            finished_at = due_at.take();
            kept_until = queue.keys.zscore(queue.name.index(Index::Done), &task.id)?;
        }
        TaskState::Dead => {
            finished_at = due_at.take();
        }
        _ => {}
    }
    Ok(Reply::Map(vec![
        ("id", Reply::Id(task.id.clone())),
        ("state", Reply::Word(state)),
        ("kind", kind.map_or(Reply::Null, |kind| Reply::text(&*kind))),
        ("created_at", Reply::Int(header.created.0)),
        ("due_at", Reply::int_or_null(due_at)),
        ("claimed_at", Reply::int_or_null(header.claimed_at().map(|at| at.0))),
        ("finished_at", Reply::int_or_null(finished_at)),
        ("run_ms", Reply::int_or_null(run_ms)),
        ("priority", Reply::Int(i64::from(header.priority))),
        ("attempt", Reply::number(header.attempt())),
        ("max_attempts", Reply::number(attempts)),
        ("backoff", Reply::text(queue.backoff(options).to_string())),
        ("deliveries", Reply::number(header.deliveries)),
        ("losses", Reply::number(header.lost)),
        ("worker", worker.map_or(Reply::Null, Reply::text)),
        ("lease_ms", Reply::int_or_null(lease)),
        ("remaining_ms", Reply::int_or_null(remaining_ms)),
        ("cancelled", Reply::Int(i64::from(is_cancelled))),
        ("expires_at", Reply::int_or_null(expires_at)),
        ("unique", options.unique.clone().map_or(Reply::Null, Reply::text)),
        ("group", options.group.clone().map_or(Reply::Null, Reply::text)),
        ("to", to.map_or(Reply::Null, Reply::text)),
        ("after", after(&options.after)),
        ("after_in", after_in(&options.after_in)),
        ("dependents", Reply::count(dependents)),
        ("error", Reply::bytes_or_null(error)),
        ("progress", Reply::bytes_or_null(progress)),
        ("result", Reply::bytes_or_null(result)),
        ("kept_until", Reply::int_or_null(kept_until)),
        ("origin", options.origin.as_ref().map_or(Reply::Null, origin)),
        ("payload", Reply::bytes_or_null(payload)),
    ]))
}

/// The tasks it was to come after, if there were any.
fn after(ids: &[String]) -> Reply {
    if ids.is_empty() {
        return Reply::Null;
    }
    Reply::Array(ids.iter().map(|id| Reply::text(id.as_str())).collect())
}

/// The same of other queues: the name of each, and ids.
fn after_in(others: &[(String, Vec<String>)]) -> Reply {
    if others.is_empty() {
        return Reply::Null;
    }
    let other = |(queue, ids): &(String, Vec<String>)| Reply::Array(vec![Reply::text(queue.as_str()), after(ids)]);
    Reply::Array(others.iter().map(other).collect())
}

/// The dead task of which it is a copy.
fn origin((queue, id): &(String, String)) -> Reply {
    Reply::Array(vec![Reply::text(queue.as_str()), Reply::text(id.as_str())])
}

/// How long the lease has to run, ms; `None` while its member lives. Until the scores of a former process are
/// replaced it has all of it.
fn remaining(queue: &mut Queue<'_>, task: &Task) -> Result<Option<i64>> {
    let Some(lease) = task.header.lease() else {
        return Ok(None);
    };
    let deadline = queue.keys.zscore(queue.name.index(Index::Claimed), &task.id)?;
    Ok(deadline.map(|deadline| Steady(deadline).since(queue.context.steady).clamp(0, lease)))
}
