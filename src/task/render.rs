//! A task as GET and LIST show it.

use crate::error::Result;
use crate::names::{Id, Index, Name, Part};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::header::{CANCELLED, EXPIRES, EXTRA, Record, TaskState};
use crate::task::index::targeted;
use crate::task::{self, options};
use crate::time::Steady;
use crate::tx::Tx;

/// Everything known about a task but its token; the result only with the payload.
pub(crate) fn show(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    payload: Option<Vec<u8>>,
    settings: &QueueSettings,
) -> Result<Reply> {
    let state = task::place(tx, name, id, record)?;
    let options = options::options(tx.keys, name, id, record);
    let to = targeted::holds(tx, name, id, record, settings);
    let attempts = options::attempts(tx, &options, settings);
    let (mut error, mut progress, mut result) = (None, None, None);
    if record.has(EXTRA) {
        error = tx.keys.hget(name.options(id), options::ERROR).unwrap_or(None);
        progress = tx.keys.hget(name.options(id), options::PROGRESS).unwrap_or(None);
        if payload.is_some() {
            result = tx.keys.hget(name.options(id), options::RESULT).unwrap_or(None);
        }
    }
    let mut lease = Some(options.lease.unwrap_or_else(|| settings.lease(&tx.context.config)));
    let (mut worker, mut left, mut died, mut expires) = (None, None, None, None);
    let (mut done, mut kept) = (None, None);
    match record.state {
        TaskState::Waiting if record.has(EXPIRES) => {
            expires = tx.keys.zscore(name.of_queue(Part::Expiring), id).unwrap_or(None);
        }
        TaskState::Claimed => {
            worker = task::worker_name(tx, name, record.worker)?;
            lease = record.lease();
            left = left_of(tx, name, id, record)?;
        }
        TaskState::Done => {
            lease = None;
            done = i64::try_from(record.fence / 1_000).ok();
            kept = tx.keys.zscore(name.index(Index::Done), id)?;
        }
        TaskState::Dead => died = tx.keys.zscore(name.index(Index::Dead), id)?,
        _ => {}
    }
    Ok(Reply::Map(vec![
        ("id", Reply::Id(Id::from_slice(id))),
        ("state", Reply::Word(state)),
        ("due", Reply::Int(record.due.0)),
        ("priority", Reply::Int(i64::from(record.priority))),
        ("attempt", Reply::number(record.attempt())),
        ("attempts", Reply::number(attempts)),
        ("backoff", Reply::text(options::backoff(&options, settings).to_string())),
        ("deliveries", Reply::number(record.deliveries)),
        ("lost", Reply::number(record.lost)),
        ("worker", worker.map_or(Reply::Null, Reply::text)),
        ("lease", Reply::int_or_null(lease)),
        ("left", Reply::int_or_null(left)),
        ("cancelled", Reply::Int(i64::from(record.has(CANCELLED)))),
        ("expires", Reply::int_or_null(expires)),
        ("unique", options.unique.clone().map_or(Reply::Null, Reply::text)),
        ("group", options.group.clone().map_or(Reply::Null, Reply::text)),
        ("to", to.map_or(Reply::Null, Reply::text)),
        ("after", after(&options.after)),
        ("error", Reply::bytes_or_null(error)),
        ("progress", Reply::bytes_or_null(progress)),
        ("result", Reply::bytes_or_null(result)),
        ("died", Reply::int_or_null(died)),
        ("done", Reply::int_or_null(done)),
        ("kept", Reply::int_or_null(kept)),
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

/// How long the lease has to run, ms; `None` while its member lives. Until the scores of a former process are
/// replaced it has all of it.
fn left_of(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<Option<i64>> {
    let Some(lease) = record.lease() else {
        return Ok(None);
    };
    let deadline = tx.keys.zscore(name.index(Index::Claimed), id)?;
    Ok(deadline.map(|deadline| Steady(deadline).since(tx.context.steady).clamp(0, lease)))
}
