//! SCHEDULE with a unique key that another task holds: refused, or with REPLACE that task becomes the new one.

use crate::command::Args;
use crate::error::Error;
use crate::names::{Id, Index, Name};
use crate::settings::QueueSettings;
use crate::task::commands::reschedule;
use crate::task::commands::schedule::old_record;
use crate::task::header::{EXTRA, Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::index::{dependencies, expiry, group, targeted, unique};
use crate::task::lifecycle;
use crate::task::new_task::New;
use crate::task::options::{ERROR, OPTIONS, PROGRESS};
use crate::tx::Tx;

/// The id of the task that waits, holds the key and was replaced; `None` when nobody holds it. Else `DUPLICATE`: an
/// ID that another task has comes before a key that another task holds.
pub(crate) fn replace(
    args: &Args<'_>,
    tx: &mut Tx<'_>,
    name: &Name,
    new: &New,
    settings: &QueueSettings,
) -> Result<Option<Id>, Error> {
    let Some(key) = new.options.unique.as_deref() else {
        return Ok(None);
    };
    let Some(id) = unique::holder(tx, name, key, settings)? else {
        return Ok(None);
    };
    let other = args.get("ID").filter(|given| given.as_bytes() != id.as_slice());
    if let Some(other) = other {
        old_record(tx, name, other.as_bytes(), settings)?;
    }
    let waits = unique::find(tx, name, &id, key, settings)
        .filter(|record| matches!(record.state, TaskState::Waiting | TaskState::Blocked));
    match waits {
        Some(record) if args.has("REPLACE") && other.is_none() => {
            become_new(args, tx, name, &id, record, new, settings)?;
            Ok(Some(id))
        }
        _ => Err(Error::Duplicate(String::from_utf8_lossy(&id).into_owned())),
    }
}

/// The task takes the payload, the due time and the options, as if it had never run. A priority that is not given
/// stays. What it waited for does not matter any more. Ready and to be ready, it keeps its place and the time since
/// when it is; so does one in the line of a group that it stays in.
fn become_new(
    args: &Args<'_>,
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    mut record: Record,
    new: &New,
    settings: &QueueSettings,
) -> Result<(), Error> {
    let priority = if args.has("PRIORITY") {
        new.priority
    } else {
        record.priority
    };
    for index in [Index::Scheduled, Index::Blocked] {
        tx.keys.ensure_type(name.index(index))?;
    }
    tx.keys.ensure_type(name.queue())?;
    tx.keys.ensure_type(name.options(id))?;
    expiry::ensure_types(tx, name, &record)?;
    lifecycle::ensure_enqueue_types(tx, name, id, &record)?;
    ready::ensure_types(tx, name, priority)?;

    let is_blocked = record.state == TaskState::Blocked;
    let waits = is_blocked && dependencies::waits(tx, name, id).is_some();
    let same_group = group::of(tx, name, id, &record) == new.options.group;
    let readdressed = readdressed(tx, name, id, &record, new, settings);
    let moves = !same_group
        || waits
        || is_blocked && new.due > tx.context.wall
        || readdressed && !is_blocked && tx.keys.zscore(name.index(Index::Scheduled), id)?.is_none();
    if new.options.expire.is_none() {
        expiry::forget(tx, name, id, &record);
    }
    if moves {
        group::leave(tx, name, id, &record);
        dependencies::unlink(tx, name, id, &record);
        lifecycle::take_out(tx, name, id, &mut record)?;
    }
    if readdressed {
        targeted::forget(tx, name, id, &record);
    }
    if (new.options.to.as_ref()).is_some_and(|worker| settings.is_orphan(worker, record.fence)) {
        // For the worker that came back: it is none of those of before.
        record.fence = tx.next_fence(record.fence);
    }
    let extra = name.options(id);
    tx.keys.hset(extra, &[(OPTIONS, &new.options.to_json())])?;
    tx.keys.hdel(extra, &[ERROR, PROGRESS])?;
    record.attempts = 0;
    record.lost = 0;
    record.flags |= EXTRA;
    new.flag(&mut record);
    if readdressed {
        targeted::join(tx, name, id, &record)?;
    }
    if moves {
        record.priority = priority;
        record.due = new.due;
        lifecycle::wait(tx, name, id, &mut record, Some(new.due), End::Tail, settings)?;
    } else if is_blocked {
        record.priority = priority;
    } else {
        reschedule::change(tx, name, id, &mut record, Some(new.due), priority, settings)?;
        if record.state == TaskState::Waiting {
            expiry::note(tx, name, id, &record, new.due.max(tx.context.wall))?;
        }
    }
    tx.keys.set(name.task(id), &record.write(), args.bytes("payload"))?;
    unique::take(tx, name, id, &new.options)
}

/// Whether the task is for another worker than before, or was and will be for one.
fn readdressed(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record, new: &New, settings: &QueueSettings) -> bool {
    let was = targeted::worker(tx, name, id, record);
    was != new.options.to || was.is_some() && targeted::holds(tx, name, id, record, settings).is_none()
}
