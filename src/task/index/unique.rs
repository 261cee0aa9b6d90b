//! Unique keys: at most one task at a time holds one. `task:{q}:unique` has the id of each key's holder, and behind
//! a tab the moment until which it is held when that was given (`FOR`); `task:{q}:unique-until` has those keys by
//! that moment, for the timer.

use crate::error::Result;
use crate::names::{Id, Name, Part, plain_text};
use crate::settings::QueueSettings;
use crate::task;
use crate::task::header::{Record, TaskState, UNIQUE};
use crate::task::index::ready;
use crate::task::options::{self, Options};
use crate::time::Wall;
use crate::tx::Tx;

/// Nothing, when the keys of `options` may be written; else `WrongType`.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, options: &Options) -> Result<()> {
    if options.unique.is_none() {
        return Ok(());
    }
    if options.unique_for.is_some() {
        tx.keys.ensure_type(name.of_queue(Part::UniqueUntil))?;
    }
    tx.keys.ensure_type(name.of_queue(Part::Unique))
}

/// The id of the task that holds the key. One without a record, dead or done holds none; until the moment that was
/// given it does not matter what became of the task.
pub(crate) fn holder(tx: &mut Tx<'_>, name: &Name, key: &str, settings: &QueueSettings) -> Result<Option<Id>> {
    let Some(value) = tx.keys.hget(name.of_queue(Part::Unique), key.as_bytes())? else {
        return Ok(None);
    };
    let (id, until) = split(&value);
    let held = match until {
        Some(until) => until > tx.context.wall,
        None => find(tx, name, id, key, settings).is_some(),
    };
    // An id that cannot be one is nobody's.
    let held = held && plain_text("id", id).is_ok();
    Ok(held.then(|| Id::from_slice(id)))
}

/// The record of a task that came with this key and has not ended.
pub(crate) fn find(tx: &mut Tx<'_>, name: &Name, id: &[u8], key: &str, settings: &QueueSettings) -> Option<Record> {
    let record = ready::look(tx, name, id)?;
    let lives = matches!(
        record.state,
        TaskState::Waiting | TaskState::Claimed | TaskState::Blocked
    );
    if !lives || !record.has(UNIQUE) || !task::exists(&record, settings) {
        return None;
    }
    let options = options::options(tx.keys, name, id, &record);
    (options.unique.as_deref() == Some(key)).then_some(record)
}

/// The task of these options takes its key, if it has one. The caller has seen that nobody else holds it.
pub(crate) fn take(tx: &mut Tx<'_>, name: &Name, id: &[u8], options: &Options) -> Result<()> {
    let Some(key) = options.unique.as_deref() else {
        return Ok(());
    };
    let mut value = id.to_vec();
    if let Some(ms) = options.unique_for {
        let until = tx.context.wall.after(ms);
        value.extend_from_slice(format!("\t{}", until.0).as_bytes());
        let keys = name.of_queue(Part::UniqueUntil);
        tx.keys.zadd(keys, &[(until.0, key.as_bytes())])?;
        tx.state.queue(name).maybe_unique_until = true;
        tx.state.wakeups.at_wall(name, until);
    }
    tx.keys
        .hset(name.of_queue(Part::Unique), &[(key.as_bytes(), value.as_slice())])
}

/// The task ends: its key is free, unless it is held for a time. In a key of another type there is nothing of it.
pub(crate) fn free(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    if !record.has(UNIQUE) {
        return;
    }
    let Some(key) = options::options(tx.keys, name, id, record).unique else {
        return;
    };
    let keys = name.of_queue(Part::Unique);
    if let Ok(Some(value)) = tx.keys.hget(keys, key.as_bytes())
        && value == id
    {
        let _ = tx.keys.hdel(keys, &[key.as_bytes()]);
    }
}

/// Whether a dead task may live again as far as its key goes, which it then holds as before. What was held for a
/// time is not held anew.
pub(crate) fn regain(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    settings: &QueueSettings,
) -> Result<bool> {
    if !record.has(UNIQUE) {
        return Ok(true);
    }
    let options = options::options(tx.keys, name, id, record);
    let Some(key) = options.unique.as_deref() else {
        return Ok(true);
    };
    if let Some(holder) = holder(tx, name, key, settings)? {
        return Ok(holder.as_slice() == id);
    }
    if options.unique_for.is_none() {
        take(tx, name, id, &options)?;
    }
    Ok(true)
}

/// The id of a value, and the moment until which it holds, if one was given. One that is no moment has passed.
pub(crate) fn split(value: &[u8]) -> (&[u8], Option<Wall>) {
    let Some(tab) = value.iter().position(|&byte| byte == b'\t') else {
        return (value, None);
    };
    let (id, until) = value.split_at(tab);
    let until = until.get(1..).and_then(|until| std::str::from_utf8(until).ok());
    let until = until.and_then(|until| until.parse().ok()).unwrap_or(0);
    (id, Some(Wall(until)))
}
