//! SCHEDULE with a unique key that another task holds: refused, or with REPLACE that task becomes the new one.

use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Id, Index, Name};
use crate::settings::Settings;
use crate::spec::Args;
use crate::task::extra::{ERROR, OPTIONS, PROGRESS};
use crate::task::record::{EXTRA, Record, State};
use crate::task::schedule::{New, old_record};
use crate::task::{expiring, ready, reschedule, unique};
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
    let waits = unique::find(unit, name, &id, key, settings).filter(|record| record.state == State::Waiting);
    match waits {
        Some(record) if args.has("REPLACE") && other.is_none() => {
            become_new(args, unit, name, &id, record, new)?;
            Ok(Some(id))
        }
        _ => Err(Error::Duplicate(String::from_utf8_lossy(&id).into_owned())),
    }
}

/// The task takes the payload, the due time and the options, as if it had never run. A priority that is not given
/// stays. Ready and to be ready, it keeps its place and the time since when it is.
fn become_new(
    args: &Args<'_>,
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    mut record: Record,
    new: &New,
) -> Result<(), Error> {
    let priority = if args.has("PRIORITY") {
        new.priority
    } else {
        record.priority
    };
    unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)?;
    unit.keys.expect(name.queue(), Type::Hash)?;
    unit.keys.expect(name.extra(id), Type::Hash)?;
    expiring::expect(unit, name, &record)?;
    ready::expect(unit, name, record.priority)?;
    ready::expect(unit, name, priority)?;

    let extra = name.extra(id);
    unit.keys.hset(extra, &[(OPTIONS, &new.options.to_json())])?;
    unit.keys.hdel(extra, &[ERROR, PROGRESS])?;
    reschedule::change(unit, name, id, &mut record, Some(new.due), priority)?;
    if new.options.expire.is_none() {
        expiring::forget(unit, name, id, &record);
    }
    record.attempts = 0;
    record.lost = 0;
    record.flags |= EXTRA;
    new.flag(&mut record);
    expiring::note(unit, name, id, &record, new.due.max(unit.env.wall))?;
    unit.keys.set(name.task(id), &record.write(), args.bytes("payload"))?;
    unique::take(unit, name, id, &new.options)
}
