//! Tasks that were not claimed in time (EXPIRE), and unique keys whose time is over (FOR).

use crate::error::Result;
use crate::names::Part;
use crate::task::handle::{Queue, Task};
use crate::task::header::{EXPIRES, TaskState};
use crate::task::index::{later, scheduled, targeted, unique};
use crate::task::{events, lifecycle};

/// Tasks or keys that one slice removes.
const GONE: usize = 64;

/// Drops the tasks that were not claimed in time, in the order in which they expired.
pub(super) fn drop_unclaimed(queue: &mut Queue<'_>) -> Result<bool> {
    if !queue.memory().maybe_expiring {
        return Ok(false);
    }
    let over = queue
        .keys
        .zlowest(queue.name.of_queue(Part::Expiring), queue.context.wall.0, GONE)?;
    if over.is_empty() {
        let left = queue.keys.zcard(queue.name.of_queue(Part::Expiring))?;
        queue.memory().maybe_expiring = left > 0;
        return Ok(false);
    }
    scheduled::ensure_types(queue)?;
    targeted::ensure_all_ready_types(queue)?;
    events::ensure_types(queue)?;
    let mut unreadable: Vec<&[u8]> = Vec::new();
    for (_, id) in &over {
        let found = queue.read_header(id);
        match found.filter(|task| is_unclaimed(queue, task)) {
            Some(mut task) => lifecycle::expire(queue, &mut task)?,
            None if later::is_later(queue, id) => unreadable.push(id),
            None => queue.log_skip("an id in the expiring set that is no waiting task"),
        }
    }
    let ids: Vec<&[u8]> = over.iter().map(|(_, id)| id.as_slice()).collect();
    queue.keys.zrem(queue.name.of_queue(Part::Expiring), &ids)?;
    later::postpone(queue, Part::Expiring, &unreadable)?;
    Ok(over.len() == GONE)
}

fn is_unclaimed(queue: &Queue<'_>, task: &Task) -> bool {
    let header = &task.header;
    header.state == TaskState::Waiting && header.has(EXPIRES) && queue.has(header)
}

/// Frees the unique keys whose time is over, unless they have been taken again.
pub(super) fn free_keys(queue: &mut Queue<'_>) -> Result<bool> {
    if !queue.memory().maybe_unique_until {
        return Ok(false);
    }
    let until = queue.name.of_queue(Part::UniqueUntil);
    let now = queue.context.wall;
    let over = queue.keys.zlowest(until, now.0, GONE)?;
    if over.is_empty() {
        let left = queue.keys.zcard(until)?;
        queue.memory().maybe_unique_until = left > 0;
        return Ok(false);
    }
    let holders = queue.name.of_queue(Part::Unique);
    let mut free: Vec<&[u8]> = Vec::with_capacity(over.len());
    for (_, key) in &over {
        // In a hash of another type there are no keys.
        let value = queue.keys.hget(holders, key).unwrap_or(None);
        if value.is_some_and(|value| unique::split(&value).1.is_some_and(|until| until <= now)) {
            free.push(key);
        }
    }
    if !free.is_empty() {
        queue.keys.hdel(holders, &free)?;
    }
    queue.keys.zrem_lowest(until, &over)?;
    Ok(over.len() == GONE)
}
