//! Records of a later version, as there are after a downgrade or a failover to an older replica in a rolling upgrade.
//! This version can neither read nor change them. Their ids keep their places: they are passed over, and tried again
//! later.

use crate::error::Result;
use crate::names::{Id, Part};
use crate::task::handle::Queue;
use crate::task::header::{HEADER_LEN, Header, Unreadable};
use crate::time::{Ms, SECOND};

/// What could not be read is tried again after this long, ms.
pub(crate) const RETRY: Ms = 10 * SECOND;

/// Whether the record of an id is of a later version, so that the id has to keep its place. Logged if so.
pub(crate) fn is_later(queue: &mut Queue<'_>, id: &[u8]) -> bool {
    let Ok(Some(bytes)) = queue.keys.peek(queue.name.task(id), HEADER_LEN) else {
        return false;
    };
    let is_later = Header::read(&bytes) == Err(Unreadable::Later);
    if is_later {
        queue.log_skip("a record of a later version");
    }
    is_later
}

/// Moves ids of a set whose scores are unix ms to a later moment.
pub(crate) fn postpone(queue: &mut Queue<'_>, part: Part, ids: &[&[u8]]) -> Result<()> {
    put(queue, part, ids, queue.context.wall.after(RETRY).0)
}

/// The same for claims.
pub(crate) fn postpone_claims(queue: &mut Queue<'_>, ids: &[&[u8]]) -> Result<()> {
    let again = queue.context.steady.after(RETRY).0;
    put(queue, Part::Claimed, ids, again)
}

/// Moves dead letters behind all others, so that removable ones come up.
pub(crate) fn put_last(queue: &mut Queue<'_>, ids: &[&[u8]]) -> Result<()> {
    put(queue, Part::Dead, ids, queue.context.wall.0)
}

fn put(queue: &mut Queue<'_>, part: Part, ids: &[&[u8]], score: Ms) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let members: Vec<(Ms, &[u8])> = ids.iter().map(|id| (score, *id)).collect();
    queue.keys.zadd(queue.name.of_queue(part), &members)
}

/// Puts a popped id at the tail of the list it came from, the only one in which its ghost bit is right. Returns whether
/// the list has only such ids; if so it counts as empty for a while.
pub(crate) fn rotate(queue: &mut Queue<'_>, priority: u8, id: &Id) -> Result<bool> {
    queue.log_skip("a record of a later version");
    let list = queue.name.ready(priority);
    queue.keys.rpush(list, &[id])?;
    let length = queue.keys.llen(list)?;
    let until = queue.context.steady.after(RETRY);
    let memory = queue.memory();
    let is_all = memory.later_lists.rotated(priority, id, length);
    if is_all {
        memory.later_lists.set_empty(priority, until);
        memory.maybe_ready &= !(1 << priority);
        queue.wake_at_steady(until);
    }
    Ok(is_all)
}

/// A targeted task that is ready could not be read: the timer checks again later.
pub(crate) fn rescan_targeted(queue: &mut Queue<'_>) {
    let again = queue.context.steady.after(RETRY);
    queue.memory().later_targets.get_or_insert(again);
    queue.wake_at_steady(again);
}
