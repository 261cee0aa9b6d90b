//! What the keys of a name hold, by their lengths, and the sums over all names.

use std::collections::BTreeMap;

use crate::time::Wall;

/// What the keys of one name hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    /// Whether there is a queue.
    pub queue: bool,
    /// Whether there is a service.
    pub service: bool,
    /// Whether the service has a leader.
    pub leader: bool,
    /// Whether it gets none until the reclaim window is over.
    pub reclaiming: bool,
    /// Tasks that are not due yet.
    pub scheduled: u32,
    /// Tasks that may be claimed.
    pub ready: u32,
    /// Tasks that wait for others or for their turn.
    pub blocked: u32,
    /// Claimed tasks.
    pub claimed: u32,
    /// Dead tasks.
    pub dead: u32,
    /// Done tasks that are kept.
    pub done: u32,
    /// Members.
    pub members: u32,
    /// When the oldest of the ready tasks was due; 0 without one near the head of its list.
    pub oldest: Wall,
    /// Until when the queue was paused; 0 if it was not.
    pub paused: Wall,
}

impl Holds {
    /// Whether there is anything.
    pub(crate) fn any(&self) -> bool {
        self.queue || self.service
    }
}

/// The sums over all names of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub queues: usize,
    pub services: usize,
    pub leaders: usize,
    pub reclaiming: usize,
    pub scheduled: usize,
    pub ready: usize,
    pub blocked: usize,
    pub claimed: usize,
    pub dead: usize,
    pub members: usize,
    /// How many queues have a ready task, by the moment the oldest of them was due.
    oldest: BTreeMap<Wall, u32>,
}

impl Sums {
    /// Adds what a name holds.
    pub(crate) fn add(&mut self, holds: &Holds) {
        self.change(holds, usize::wrapping_add);
        if holds.oldest != Wall::default() {
            *self.oldest.entry(holds.oldest).or_default() += 1;
        }
    }

    /// Subtracts what was added.
    pub(crate) fn subtract(&mut self, holds: &Holds) {
        self.change(holds, usize::wrapping_sub);
        if holds.oldest != Wall::default()
            && let Some(count) = self.oldest.get_mut(&holds.oldest)
        {
            *count -= 1;
            if *count == 0 {
                self.oldest.remove(&holds.oldest);
            }
        }
    }

    fn change(&mut self, holds: &Holds, by: fn(usize, usize) -> usize) {
        for (sum, number) in [
            (&mut self.queues, u32::from(holds.queue)),
            (&mut self.services, u32::from(holds.service)),
            (&mut self.leaders, u32::from(holds.leader)),
            (&mut self.reclaiming, u32::from(holds.reclaiming)),
            (&mut self.scheduled, holds.scheduled),
            (&mut self.ready, holds.ready),
            (&mut self.blocked, holds.blocked),
            (&mut self.claimed, holds.claimed),
            (&mut self.dead, holds.dead),
            (&mut self.members, holds.members),
        ] {
            *sum = by(*sum, number as usize);
        }
    }

    /// When the oldest ready task of all queues was due.
    pub(crate) fn oldest(&self) -> Option<Wall> {
        self.oldest.first_key_value().map(|(moment, _)| *moment)
    }

    /// Frees up to `count` moments; whether there are more.
    pub(crate) fn shrink(&mut self, count: usize) -> bool {
        for _ in 0..count {
            self.oldest.pop_first();
        }
        !self.oldest.is_empty()
    }
}
