//! Unique keys (deduplication): at most one task at a time has one. `task:{q}:unique` has the id of each key's holder,
//! and with `FOR`, after a tab, the moment until which it is taken; `task:{q}:unique-until` has those keys by that
//! moment, for the timer.

use crate::error::Result;
use crate::names::{Id, Part, plain_text};
use crate::task::handle::{Queue, Task};
use crate::task::header::UNIQUE;
use crate::task::index::later;
use crate::task::options::Options;
use crate::time::Wall;

/// Errors with `WrongType` unless the keys of these options may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, options: &Options) -> Result<()> {
    if options.unique.is_none() {
        return Ok(());
    }
    if options.unique_for.is_some() {
        queue.keys.ensure_type(queue.name.of_queue(Part::UniqueUntil))?;
    }
    queue.keys.ensure_type(queue.name.of_queue(Part::Unique))
}

/// The id of the task that has the key. One that has ended or has no record does not have it any more, except with
/// `FOR`: then only the moment counts.
pub(crate) fn holder(queue: &mut Queue<'_>, key: &str) -> Result<Option<Id>> {
    let Some(value) = queue.keys.hget(queue.name.of_queue(Part::Unique), key.as_bytes())? else {
        return Ok(None);
    };
    let (id, until) = split(&value);
    let held = match until {
        Some(until) => until > queue.context.wall,
        None => find(queue, id, key).is_some() || later::is_later(queue, id),
    };
    // An invalid id cannot belong to a task.
    let held = held && plain_text("id", id).is_ok();
    Ok(held.then(|| Id::from_slice(id)))
}

/// The task of this id, if it came with this key and has not ended.
pub(crate) fn find(queue: &mut Queue<'_>, id: &[u8], key: &str) -> Option<Task> {
    let task = queue.read_header(id)?;
    if !task.is_live() || !task.header.has(UNIQUE) || !queue.has(&task.header) {
        return None;
    }
    (task.options(queue).unique.as_deref() == Some(key)).then_some(task)
}

/// Takes the key of these options, if any, for the task. The caller has checked that it is free.
pub(crate) fn take(queue: &mut Queue<'_>, id: &[u8], options: &Options) -> Result<()> {
    let Some(key) = options.unique.as_deref() else {
        return Ok(());
    };
    let mut value = id.to_vec();
    if let Some(ms) = options.unique_for {
        let until = queue.context.wall.after(ms);
        value.extend_from_slice(format!("\t{}", until.0).as_bytes());
        let keys = queue.name.of_queue(Part::UniqueUntil);
        queue.keys.zadd(keys, &[(until.0, key.as_bytes())])?;
        queue.memory().maybe_unique_until = true;
        queue.wake_at(until);
    }
    let holders = queue.name.of_queue(Part::Unique);
    queue.keys.hset(holders, &[(key.as_bytes(), value.as_slice())])
}

/// The task ends: frees its key, unless it is taken for a time. A Redis key of another type is skipped.
pub(crate) fn free(queue: &mut Queue<'_>, task: &Task) {
    if !task.header.has(UNIQUE) {
        return;
    }
    let Some(key) = task.options(queue).unique.as_deref() else {
        return;
    };
    let keys = queue.name.of_queue(Part::Unique);
    if let Ok(Some(value)) = queue.keys.hget(keys, key.as_bytes())
        && value == task.id.as_slice()
    {
        let _ = queue.keys.hdel(keys, &[key.as_bytes()]);
    }
}

/// The task is claimed: frees a key that was taken until then, for good. The caller writes the header.
pub(crate) fn claimed(queue: &mut Queue<'_>, task: &mut Task) {
    if task.header.has(UNIQUE) && task.options(queue).unique_until_claim {
        free(queue, task);
        task.header.flags &= !UNIQUE;
    }
}

/// Takes the key for a dead letter that is retried; `false` if another task has it. A key taken for a time is not taken
/// again.
pub(crate) fn regain(queue: &mut Queue<'_>, task: &Task) -> Result<bool> {
    if !task.header.has(UNIQUE) {
        return Ok(true);
    }
    let options = task.options(queue);
    let Some(key) = options.unique.as_deref() else {
        return Ok(true);
    };
    if let Some(holder) = holder(queue, key)? {
        return Ok(holder == task.id);
    }
    if options.unique_for.is_none() {
        take(queue, &task.id, options)?;
    }
    Ok(true)
}

/// Splits a value into the id and the moment until which the key is taken, if any. Nonsense counts as a moment that has
/// passed.
pub(crate) fn split(value: &[u8]) -> (&[u8], Option<Wall>) {
    let Some(tab) = value.iter().position(|&byte| byte == b'\t') else {
        return (value, None);
    };
    let (id, until) = value.split_at(tab);
    let until = until.get(1..).and_then(|until| std::str::from_utf8(until).ok());
    let until = until.and_then(|until| until.parse().ok()).unwrap_or(0);
    (id, Some(Wall(until)))
}
