//! Tasks that nobody claimed in time, and unique keys that were held for a time.

use crate::error::Result;
use crate::names::{Index, Name, Part};
use crate::settings::QueueSettings;
use crate::task::header::{EXPIRES, Record, TaskState};
use crate::task::index::{ready, unique};
use crate::task::lifecycle::{self, Outcome};
use crate::task::{self, events};
use crate::tx::Tx;

/// Tasks or keys that go in one slice.
const GONE: usize = 64;

/// Drops the tasks that nobody claimed in time, those first that were to go first.
pub(super) fn drop_unclaimed(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    if !tx.state.queue(name).maybe_expiring {
        return Ok(false);
    }
    let expiring = name.of_queue(Part::Expiring);
    let over = tx.keys.zlowest(expiring, tx.context.wall.0, GONE)?;
    if over.is_empty() {
        tx.state.queue(name).maybe_expiring = tx.keys.zcard(expiring)? > 0;
        return Ok(false);
    }
    tx.keys.ensure_type(name.index(Index::Scheduled))?;
    ready::ensure_types_all(tx, name)?;
    events::ensure_types(tx, name, settings)?;
    for (_, id) in &over {
        match ready::look(tx, name, id).filter(|record| is_unclaimed(record, settings)) {
            Some(record) => expire(tx, name, id, record, settings)?,
            None => {
                tx.state
                    .skip_foreign(name, "an id in the expiring set that is no waiting task");
            }
        }
    }
    let ids: Vec<&[u8]> = over.iter().map(|(_, id)| id.as_slice()).collect();
    tx.keys.zrem(expiring, &ids)?;
    Ok(over.len() == GONE)
}

fn is_unclaimed(record: &Record, settings: &QueueSettings) -> bool {
    record.state == TaskState::Waiting && record.has(EXPIRES) && task::exists(record, settings)
}

fn expire(tx: &mut Tx<'_>, name: &Name, id: &[u8], mut record: Record, settings: &QueueSettings) -> Result<()> {
    lifecycle::take_out(tx, name, id, &mut record)?;
    lifecycle::conclude(tx, name, id, &mut record, Outcome::Expired, settings)?;
    // It leaves the expiring set together with the others.
    record.flags &= !EXPIRES;
    lifecycle::remove(tx, name, id, &mut record)?;
    tx.state.totals.expired += 1;
    tx.state.queue(name).totals.expired += 1;
    Ok(())
}

/// Forgets the unique keys whose time is over, unless somebody holds them anew.
pub(super) fn free_keys(tx: &mut Tx<'_>, name: &Name, _: &QueueSettings) -> Result<bool> {
    if !tx.state.queue(name).maybe_unique_until {
        return Ok(false);
    }
    let until = name.of_queue(Part::UniqueUntil);
    let now = tx.context.wall;
    let over = tx.keys.zlowest(until, now.0, GONE)?;
    if over.is_empty() {
        tx.state.queue(name).maybe_unique_until = tx.keys.zcard(until)? > 0;
        return Ok(false);
    }
    let holders = name.of_queue(Part::Unique);
    let mut free: Vec<&[u8]> = Vec::with_capacity(over.len());
    for (_, key) in &over {
        // Keys are in no hash when somebody put another type in its place.
        let value = tx.keys.hget(holders, key).unwrap_or(None);
        if value.is_some_and(|value| unique::split(&value).1.is_some_and(|until| until <= now)) {
            free.push(key);
        }
    }
    if !free.is_empty() {
        tx.keys.hdel(holders, &free)?;
    }
    tx.keys.zrem_lowest(until, over.len())?;
    Ok(over.len() == GONE)
}
