//! What the keys of a queue hold, for INFO.

use crate::names::{Index, Name};
use crate::state::sums::Holds;
use crate::task::handle::Queue;
use crate::task::index::targeted;
use crate::time::Wall;
use crate::tx::Tx;

/// Measures a queue that exists, without bringing it into memory. Keys of another type count as empty.
pub(crate) fn measure(tx: &mut Tx<'_>, name: &Name, holds: &mut Holds) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    holds.queue = true;
    for (place, index) in [
        (&mut holds.scheduled, Index::Scheduled),
        (&mut holds.blocked, Index::Blocked),
        (&mut holds.claimed, Index::Claimed),
        (&mut holds.dead, Index::Dead),
    ] {
        *place = number(tx.keys.zcard(name.index(index)).unwrap_or(0));
    }
    let Ok(mut queue) = Queue::look_at(tx, name.clone()) else {
        return;
    };
    holds.ready = number(targeted::count_ready(&mut queue).unwrap_or(0));
    let oldest = targeted::oldest_ready(&mut queue).unwrap_or(None);
    holds.oldest = oldest.map_or(Wall::default(), |age| Wall(queue.context.wall.0 - age));
}
