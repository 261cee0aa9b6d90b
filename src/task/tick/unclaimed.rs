//! Tasks that nobody claimed in time, and unique keys that were held for a time.

use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name, Part};
use crate::settings::Settings;
use crate::task::ending::{self, Fate};
use crate::task::record::{EXPIRES, Record, State};
use crate::task::{self, events, ready, unique};
use crate::unit::Unit;

/// Tasks or keys that go in one slice.
const GONE: usize = 64;

/// Drops the tasks that nobody claimed in time, those first that were to go first.
pub fn drop_unclaimed(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if !unit.memory.queue(name).maybe_expiring {
        return Ok(false);
    }
    let expiring = name.of_queue(Part::Expiring);
    let over = unit.keys.zlowest(expiring, unit.env.wall.0, GONE)?;
    if over.is_empty() {
        unit.memory.queue(name).maybe_expiring = unit.keys.zcard(expiring)? > 0;
        return Ok(false);
    }
    unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)?;
    ready::expect_all(unit, name)?;
    events::expect(unit, name, settings)?;
    for (_, id) in &over {
        match ready::look(unit, name, id).filter(|record| is_unclaimed(record, settings)) {
            Some(record) => expire(unit, name, id, record, settings)?,
            None => {
                unit.memory
                    .skip_foreign(name, "an id in the expiring set that is no waiting task");
            }
        }
    }
    let ids: Vec<&[u8]> = over.iter().map(|(_, id)| id.as_slice()).collect();
    unit.keys.zrem(expiring, &ids)?;
    Ok(over.len() == GONE)
}

fn is_unclaimed(record: &Record, settings: &Settings) -> bool {
    record.state == State::Waiting && record.has(EXPIRES) && task::exists(record, settings)
}

fn expire(unit: &mut Unit<'_>, name: &Name, id: &[u8], mut record: Record, settings: &Settings) -> Answer<()> {
    ending::take_out(unit, name, id, &mut record)?;
    ending::conclude(unit, name, id, &mut record, Fate::Expired, settings)?;
    // It leaves the expiring set together with the others.
    record.flags &= !EXPIRES;
    ending::remove(unit, name, id, &mut record)?;
    unit.memory.totals.expired += 1;
    unit.memory.queue(name).totals.expired += 1;
    Ok(())
}

/// Forgets the unique keys whose time is over, unless somebody holds them anew.
pub fn free_keys(unit: &mut Unit<'_>, name: &Name, _: &Settings) -> Answer<bool> {
    if !unit.memory.queue(name).maybe_unique_until {
        return Ok(false);
    }
    let until = name.of_queue(Part::UniqueUntil);
    let now = unit.env.wall;
    let over = unit.keys.zlowest(until, now.0, GONE)?;
    if over.is_empty() {
        unit.memory.queue(name).maybe_unique_until = unit.keys.zcard(until)? > 0;
        return Ok(false);
    }
    let holders = name.of_queue(Part::Unique);
    let mut free: Vec<&[u8]> = Vec::with_capacity(over.len());
    for (_, key) in &over {
        // Keys are in no hash when somebody put another type in its place.
        let value = unit.keys.hget(holders, key).unwrap_or(None);
        if value.is_some_and(|value| unique::split(&value).1.is_some_and(|until| until <= now)) {
            free.push(key);
        }
    }
    if !free.is_empty() {
        unit.keys.hdel(holders, &free)?;
    }
    unit.keys.zrem_lowest(until, over.len())?;
    Ok(over.len() == GONE)
}
