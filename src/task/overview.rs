//! What the keys of a queue hold, for INFO and for lists of queues.

use crate::error::Result;
use crate::keyspace::Keyspace;
use crate::names::{Index, Name, Part};
use crate::settings;
use crate::state::sums::Holds;
use crate::task::handle::Queue;
use crate::task::history;
use crate::task::index::targeted;
use crate::time::Wall;
use crate::tx::Tx;

/// Whether any key of the queue exists that is not the record of a single task. A history alone is no queue.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    let mut parts = Part::once_per_queue().filter(|part| *part != Part::Queue && !history::PARTS.contains(part));
    parts.any(|part| keys.exists(name.of_queue(part)))
        || Index::ALL.iter().any(|index| keys.exists(name.index(*index)))
        || settings::exist(keys, name)
}

/// Measures a queue that exists, without bringing it into memory. Keys of another type count as empty.
pub(crate) fn measure(tx: &mut Tx<'_>, name: &Name, holds: &mut Holds) {
    holds.queue = true;
    for (place, index) in places(holds) {
        *place = number(tx.keys.zcard(name.index(index)).unwrap_or(0));
    }
    if let Ok(mut queue) = Queue::look_at(tx, name.clone()) {
        holds.ready = number(targeted::count_ready(&mut queue).unwrap_or(0));
        holds.oldest = moment(targeted::oldest_ready(&mut queue).unwrap_or(None));
        holds.paused = paused(&queue);
    }
}

/// What an open queue holds. Errors with `WrongType` if one of its keys has another type.
pub(crate) fn of(queue: &mut Queue<'_>) -> Result<Holds> {
    let mut holds = Holds {
        queue: true,
        ..Holds::default()
    };
    for (place, index) in places(&mut holds) {
        *place = number(queue.keys.zcard(queue.name.index(index))?);
    }
    holds.ready = number(targeted::count_ready(queue)?);
    holds.oldest = moment(targeted::oldest_ready(queue)?);
    holds.paused = paused(queue);
    Ok(holds)
}

/// The numbers that are the size of a key.
fn places(holds: &mut Holds) -> [(&mut u32, Index); 5] {
    [
        (&mut holds.scheduled, Index::Scheduled),
        (&mut holds.claimed, Index::Claimed),
        (&mut holds.blocked, Index::Blocked),
        (&mut holds.done, Index::Done),
        (&mut holds.dead, Index::Dead),
    ]
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// 0 is none.
fn moment(oldest: Option<Wall>) -> Wall {
    oldest.map_or(Wall::default(), |due| due.max(Wall(1)))
}

fn paused(queue: &Queue<'_>) -> Wall {
    Wall(queue.settings.paused.unwrap_or(0))
}
