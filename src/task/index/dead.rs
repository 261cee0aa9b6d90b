//! Dead letters: tasks that ended without success, kept for inspection and retry. `task:{q}:dead`, score = when they
//! died, unix ms.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::Index;
use crate::task::handle::{Queue, Task};
use crate::task::index::later;

/// Dead tasks that one step removes to keep within the limits.
const TRIMMED: usize = 100;

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Dead))
}

/// Adds a task that dies now.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    let died = queue.context.wall;
    queue.keys.zadd(queue.name.index(Index::Dead), &[(died.0, &task.id)])?;
    queue.wake_at(died.after(queue.settings.numbers.dead_retain(&queue.context.config)));
    Ok(())
}

/// Removes a task.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    queue.keys.zrem(queue.name.index(Index::Dead), &[&task.id])?;
    Ok(())
}

/// The oldest tasks beyond `dead-limit` and `dead-retain`, a hundred at most.
pub(crate) fn surplus(queue: &mut Queue<'_>) -> Result<Vec<Scored>> {
    let dead = queue.name.index(Index::Dead);
    let limit = queue.settings.numbers.dead_limit(&queue.context.config);
    let surplus = queue.keys.zcard(dead)?.saturating_sub(limit);
    let expired = queue.context.wall.0 - queue.settings.numbers.dead_retain(&queue.context.config);
    let oldest = queue.keys.zlowest(dead, i64::MAX, surplus.min(TRIMMED))?;
    if oldest.len() == TRIMMED {
        return Ok(oldest);
    }
    let old = queue.keys.zlowest(dead, expired, TRIMMED)?;
    Ok(if old.len() > oldest.len() { old } else { oldest })
}

/// Removes these, the oldest. The unreadable ones among them go behind all others instead, so that removable ones come
/// up. Returns whether there may be more to trim.
pub(crate) fn remove_oldest(queue: &mut Queue<'_>, oldest: &[Scored], unreadable: &[&[u8]]) -> Result<bool> {
    let count = oldest.len();
    queue.keys.zrem_lowest(queue.name.index(Index::Dead), oldest)?;
    later::put_last(queue, unreadable)?;
    let more = unreadable.len() < count && (count == TRIMMED || !unreadable.is_empty());
    if more {
        queue.wake_now();
    }
    Ok(more)
}
