//! What a queue's own limits allow: `concurrency` and `rate` for claims, `max-length` for new tasks.
//!
//! Nothing is stored for them. The claimed set says how many tasks are claimed, including cancelled ones until their
//! claims end; recent claims are only in memory, and a restart forgets them.

use crate::error::{Error, Result};
use crate::names::Index;
use crate::task::handle::Queue;
use crate::task::index::targeted;

/// How many more tasks may be claimed now. If the rate allows none, the timer is set for when it does.
pub(crate) fn room(queue: &mut Queue<'_>) -> Result<usize> {
    let mut room = usize::MAX;
    let most = queue.settings.numbers.concurrency(&queue.context.config);
    if most > 0 {
        room = most.saturating_sub(queue.keys.zcard(queue.name.index(Index::Claimed))?);
    }
    if let Some(rate) = queue.settings.rate {
        let now = queue.context.steady;
        let recent = &mut queue.memory().recent;
        let left = recent.room(rate, now);
        if left == 0
            && let Some(next) = recent.next(rate)
        {
            queue.wake_at_steady(next);
        }
        room = room.min(left);
    }
    Ok(room)
}

/// Claims have ended: serves waiting clients if the queue may have been at its concurrency.
pub(crate) fn freed(queue: &mut Queue<'_>) {
    if queue.settings.numbers.concurrency(&queue.context.config) > 0 {
        queue.serve_waiters();
    }
}

/// Errors with `QueueFull` unless the queue may have so many more tasks.
pub(crate) fn ensure_length(queue: &mut Queue<'_>, more: usize) -> Result<()> {
    let most = queue.settings.numbers.max_length(&queue.context.config);
    if most == 0 {
        return Ok(());
    }
    let mut length = targeted::count_ready(queue)?;
    for index in [Index::Scheduled, Index::Claimed, Index::Blocked] {
        length += queue.keys.zcard(queue.name.index(index))?;
    }
    if length.saturating_add(more) > most {
        return Err(Error::QueueFull(most));
    }
    Ok(())
}
