//! What a queue's own limits allow: `concurrency` and `rate` for claims, `max-length` for new tasks.
//!
//! Nothing is stored for them. The claimed set says how many tasks are claimed, those of cancelled tasks included
//! until their claims end; the claims of just now are memory, and a restart forgets them.

use crate::error::{Error, Result};
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::dispatch::serve;
use crate::task::index::ready;
use crate::tx::Tx;

/// How many more tasks may be claimed now. When it is the rate that allows none, the moment it does is planned.
pub(crate) fn room(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<usize> {
    let mut room = usize::MAX;
    let most = settings.concurrency(&tx.context.config);
    if most > 0 {
        room = most.saturating_sub(tx.keys.zcard(name.index(Index::Claimed))?);
    }
    if let Some(rate) = settings.rate {
        let recent = &mut tx.state.queue(name).recent;
        let left = recent.room(rate, tx.context.steady);
        if left == 0
            && let Some(next) = recent.next(rate)
        {
            tx.state.wakeups.at_steady(name, next);
        }
        room = room.min(left);
    }
    Ok(room)
}

/// Serves the clients that wait, after claims have ended in a queue that may have been full of them.
pub(crate) fn freed(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) {
    if settings.concurrency(&tx.context.config) > 0 {
        serve::serve(tx, name);
    }
}

/// Nothing, when the queue may have so many more tasks; else `QueueFull`.
pub(crate) fn ensure_length(tx: &mut Tx<'_>, name: &Name, more: usize, settings: &QueueSettings) -> Result<(), Error> {
    let most = settings.max_length(&tx.context.config);
    if most == 0 {
        return Ok(());
    }
    let mut length = ready::count(tx, name, settings)?;
    for index in [Index::Scheduled, Index::Claimed, Index::Blocked] {
        length += tx.keys.zcard(name.index(index))?;
    }
    if length.saturating_add(more) > most {
        return Err(Error::QueueFull(most));
    }
    Ok(())
}
