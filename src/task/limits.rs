//! What a queue's own limits allow: `concurrency` and `rate` for claims, `max-length` for new tasks.
//!
//! Nothing is stored for them. The claimed set says how many tasks are claimed, those of cancelled tasks included
//! until their claims end; the claims of just now are memory, and a restart forgets them.

use crate::error::Error;
use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::{ready, serve};
use crate::unit::Unit;

#[cfg(test)]
mod tests;

/// How many more tasks may be claimed now. When it is the rate that allows none, the moment it does is planned.
pub fn room(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<usize> {
    let mut room = usize::MAX;
    let most = settings.concurrency(&unit.env.settings);
    if most > 0 {
        room = most.saturating_sub(unit.keys.zcard(name.index(Index::Claimed))?);
    }
    if let Some(rate) = settings.rate {
        let recent = &mut unit.memory.queue(name).recent;
        let left = recent.room(rate, unit.env.steady);
        if left == 0
            && let Some(next) = recent.next(rate)
        {
            unit.memory.agenda.at_steady(name, next);
        }
        room = room.min(left);
    }
    Ok(room)
}

/// Serves the clients that wait, after claims have ended in a queue that may have been full of them.
pub fn freed(unit: &mut Unit<'_>, name: &Name, settings: &Settings) {
    if settings.concurrency(&unit.env.settings) > 0 {
        serve::serve(unit, name);
    }
}

/// Nothing, when the queue may have so many more tasks; else `QueueFull`.
pub fn expect_length(unit: &mut Unit<'_>, name: &Name, more: usize, settings: &Settings) -> Result<(), Error> {
    let most = settings.max_length(&unit.env.settings);
    if most == 0 {
        return Ok(());
    }
    let mut length = ready::count(unit, name, settings)?;
    for index in [Index::Scheduled, Index::Claimed, Index::Blocked] {
        length += unit.keys.zcard(name.index(index))?;
    }
    if length.saturating_add(more) > most {
        return Err(Error::QueueFull(most));
    }
    Ok(())
}
