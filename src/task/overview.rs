//! All queues in numbers, for INFO.

use crate::names::{Index, Name};
use crate::task::handle::Queue;
use crate::task::index::targeted;
use crate::time::Ms;
use crate::tx::Tx;

/// Counts over every queue of every database on this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// Queues in memory; some may have no keys any more.
    pub queues: usize,
    /// Tasks that may be claimed.
    pub ready: usize,
    /// How long the oldest of them has been due, ms.
    pub oldest_ready: Ms,
    /// Tasks that are not due yet.
    pub scheduled: usize,
    /// Tasks that wait for others or for their turn.
    pub blocked: usize,
    /// Claimed tasks.
    pub claimed: usize,
    /// Dead tasks.
    pub dead: usize,
}

/// Counts all queues. Keys of another type are left out.
pub(crate) fn overview(tx: &mut Tx<'_>) -> Overview {
    let names: Vec<Name> = tx.state.queues().map(|(name, _)| name.clone()).collect();
    let mut all = Overview {
        queues: names.len(),
        ..Overview::default()
    };
    for name in names {
        for (sum, index) in [
            (&mut all.scheduled, Index::Scheduled),
            (&mut all.blocked, Index::Blocked),
            (&mut all.claimed, Index::Claimed),
            (&mut all.dead, Index::Dead),
        ] {
            *sum += tx.keys.zcard(name.index(index)).unwrap_or(0);
        }
        let Ok(mut queue) = Queue::open(tx, name) else {
            continue;
        };
        all.ready += targeted::count_ready(&mut queue).unwrap_or(0);
        if let Ok(Some(age)) = targeted::oldest_ready(&mut queue) {
            all.oldest_ready = all.oldest_ready.max(age);
        }
    }
    all
}
