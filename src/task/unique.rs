//! Unique keys: at most one task at a time holds one. `task:{q}:unique` has the id of each key's holder, and behind
//! a tab the moment until which it is held when that was given (`FOR`); `task:{q}:unique-until` has those keys by
//! that moment, for the timer.

use crate::keyspace::{Answer, Type};
use crate::names::{Id, Name, Part, plain_text};
use crate::settings::Settings;
use crate::task::extra::{self, Options};
use crate::task::ready;
use crate::task::record::{Record, State, UNIQUE};
use crate::time::Wall;
use crate::unit::Unit;

/// Nothing, when the keys of `options` may be written; else `WrongType`.
pub fn expect(unit: &mut Unit<'_>, name: &Name, options: &Options) -> Answer<()> {
    if options.unique.is_none() {
        return Ok(());
    }
    if options.unique_for.is_some() {
        unit.keys.expect(name.of_queue(Part::UniqueUntil), Type::SortedSet)?;
    }
    unit.keys.expect(name.of_queue(Part::Unique), Type::Hash)
}

/// The id of the task that holds the key. One without a record, dead or done holds none; until the moment that was
/// given it does not matter what became of the task.
pub fn holder(unit: &mut Unit<'_>, name: &Name, key: &str, settings: &Settings) -> Answer<Option<Id>> {
    let Some(value) = unit.keys.hget(name.of_queue(Part::Unique), key.as_bytes())? else {
        return Ok(None);
    };
    let (id, until) = split(&value);
    let held = match until {
        Some(until) => until > unit.env.wall,
        None => find(unit, name, id, key, settings).is_some(),
    };
    // An id that cannot be one is nobody's.
    let held = held && plain_text("id", id).is_ok();
    Ok(held.then(|| Id::from_slice(id)))
}

/// The record of a task that came with this key and has not ended.
pub fn find(unit: &mut Unit<'_>, name: &Name, id: &[u8], key: &str, settings: &Settings) -> Option<Record> {
    let record = ready::look(unit, name, id)?;
    let lives = matches!(record.state, State::Waiting | State::Claimed | State::Blocked);
    if !lives || !record.has(UNIQUE) || !super::exists(&record, settings) {
        return None;
    }
    let options = extra::options(unit.keys, name, id, &record);
    (options.unique.as_deref() == Some(key)).then_some(record)
}

/// The task of these options takes its key, if it has one. The caller has seen that nobody else holds it.
pub fn take(unit: &mut Unit<'_>, name: &Name, id: &[u8], options: &Options) -> Answer<()> {
    let Some(key) = options.unique.as_deref() else {
        return Ok(());
    };
    let mut value = id.to_vec();
    if let Some(ms) = options.unique_for {
        let until = unit.env.wall.after(ms);
        value.extend_from_slice(format!("\t{}", until.0).as_bytes());
        let keys = name.of_queue(Part::UniqueUntil);
        unit.keys.zadd(keys, &[(until.0, key.as_bytes())])?;
        unit.memory.queue(name).maybe_unique_until = true;
        unit.memory.agenda.at_wall(name, until);
    }
    unit.keys
        .hset(name.of_queue(Part::Unique), &[(key.as_bytes(), value.as_slice())])
}

/// The task ends: its key is free, unless it is held for a time. In a key of another type there is nothing of it.
pub fn free(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) {
    if !record.has(UNIQUE) {
        return;
    }
    let Some(key) = extra::options(unit.keys, name, id, record).unique else {
        return;
    };
    let keys = name.of_queue(Part::Unique);
    if let Ok(Some(value)) = unit.keys.hget(keys, key.as_bytes())
        && value == id
    {
        let _ = unit.keys.hdel(keys, &[key.as_bytes()]);
    }
}

/// Whether a dead task may live again as far as its key goes, which it then holds as before. What was held for a
/// time is not held anew.
pub fn regain(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, settings: &Settings) -> Answer<bool> {
    if !record.has(UNIQUE) {
        return Ok(true);
    }
    let options = extra::options(unit.keys, name, id, record);
    let Some(key) = options.unique.as_deref() else {
        return Ok(true);
    };
    if let Some(holder) = holder(unit, name, key, settings)? {
        return Ok(holder.as_slice() == id);
    }
    if options.unique_for.is_none() {
        take(unit, name, id, &options)?;
    }
    Ok(true)
}

/// The id of a value, and the moment until which it holds, if one was given. One that is no moment has passed.
pub fn split(value: &[u8]) -> (&[u8], Option<Wall>) {
    let Some(tab) = value.iter().position(|&byte| byte == b'\t') else {
        return (value, None);
    };
    let (id, until) = value.split_at(tab);
    let until = until.get(1..).and_then(|until| std::str::from_utf8(until).ok());
    let until = until.and_then(|until| until.parse().ok()).unwrap_or(0);
    (id, Some(Wall(until)))
}
