//! SCHEDULE with a unique key that another task holds: refused, or with REPLACE that task becomes the new one.

use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Id, Index, Name};
use crate::settings::Settings;
use crate::spec::Args;
use crate::task::extra::{ERROR, OPTIONS, PROGRESS};
use crate::task::new::New;
use crate::task::ready::End;
use crate::task::record::{EXTRA, Record, State};
use crate::task::schedule::old_record;
use crate::task::{addressed, after, arrive, ending, expiring, group, ready, reschedule, unique};
use crate::unit::Unit;

/// The id of the task that waits, holds the key and was replaced; `None` when nobody holds it. Else `DUPLICATE`: an
/// ID that another task has comes before a key that another task holds.
pub fn replace(
    args: &Args<'_>,
    unit: &mut Unit<'_>,
    name: &Name,
    new: &New,
    settings: &Settings,
) -> Result<Option<Id>, Error> {
    let Some(key) = new.options.unique.as_deref() else {
        return Ok(None);
    };
    let Some(id) = unique::holder(unit, name, key, settings)? else {
        return Ok(None);
    };
    let other = args.get("ID").filter(|given| given.as_bytes() != id.as_slice());
    if let Some(other) = other {
        old_record(unit, name, other.as_bytes(), settings)?;
    }
    let waits = unique::find(unit, name, &id, key, settings)
        .filter(|record| matches!(record.state, State::Waiting | State::Blocked));
    match waits {
        Some(record) if args.has("REPLACE") && other.is_none() => {
            become_new(args, unit, name, &id, record, new, settings)?;
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
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    mut record: Record,
    new: &New,
    settings: &Settings,
) -> Result<(), Error> {
    let priority = if args.has("PRIORITY") {
        new.priority
    } else {
        record.priority
    };
    for index in [Index::Scheduled, Index::Blocked] {
        unit.keys.expect(name.index(index), Type::SortedSet)?;
    }
    unit.keys.expect(name.queue(), Type::Hash)?;
    unit.keys.expect(name.extra(id), Type::Hash)?;
    expiring::expect(unit, name, &record)?;
    arrive::expect(unit, name, id, &record)?;
    ready::expect(unit, name, priority)?;

    let is_blocked = record.state == State::Blocked;
    let waits = is_blocked && after::waits(unit, name, id).is_some();
    let same_group = group::of(unit, name, id, &record) == new.options.group;
    let readdressed = readdressed(unit, name, id, &record, new, settings);
    let moves = !same_group
        || waits
        || is_blocked && new.due > unit.env.wall
        || readdressed && !is_blocked && unit.keys.zscore(name.index(Index::Scheduled), id)?.is_none();
    if new.options.expire.is_none() {
        expiring::forget(unit, name, id, &record);
    }
    if moves {
        group::leave(unit, name, id, &record);
        after::unlink(unit, name, id, &record);
        ending::take_out(unit, name, id, &mut record)?;
    }
    if readdressed {
        addressed::forget(unit, name, id, &record);
    }
    if (new.options.to.as_ref()).is_some_and(|worker| settings.is_orphan(worker, record.fence)) {
        // For the worker that came back: it is none of those of before.
        record.fence = unit.next_fence(record.fence);
    }
    let extra = name.extra(id);
    unit.keys.hset(extra, &[(OPTIONS, &new.options.to_json())])?;
    unit.keys.hdel(extra, &[ERROR, PROGRESS])?;
    record.attempts = 0;
    record.lost = 0;
    record.flags |= EXTRA;
    new.flag(&mut record);
    if readdressed {
        addressed::join(unit, name, id, &record)?;
    }
    if moves {
        record.priority = priority;
        record.due = new.due;
        ending::wait(unit, name, id, &mut record, Some(new.due), End::Tail, settings)?;
    } else if is_blocked {
        record.priority = priority;
    } else {
        reschedule::change(unit, name, id, &mut record, Some(new.due), priority, settings)?;
        if record.state == State::Waiting {
            expiring::note(unit, name, id, &record, new.due.max(unit.env.wall))?;
        }
    }
    unit.keys.set(name.task(id), &record.write(), args.bytes("payload"))?;
    unique::take(unit, name, id, &new.options)
}

/// Whether the task is for another worker than before, or was and will be for one.
fn readdressed(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, new: &New, settings: &Settings) -> bool {
    let was = addressed::worker(unit, name, id, record);
    was != new.options.to || was.is_some() && addressed::holds(unit, name, id, record, settings).is_none()
}
