//! What is kept of a queue that is not in memory, where a million of them must find room: its totals, and what its keys
//! may hold.

use crate::state::queue::{KindCounts, QueueState, Rebase};
use crate::stats::{Durations, Totals};
use crate::time::{Ms, SECOND, Steady};

/// A queue that is not in memory.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    totals: [u32; Totals::COUNT],
    lateness: Option<Box<Durations>>,
    runs: Option<Box<Durations>>,
    kinds: Option<Box<KindCounts>>,
    /// In seconds.
    cleaned: u32,
    maybe_ready: u16,
    known: Known,
    maybe: u8,
}

/// What happened in a queue, whether it is in memory or not.
#[derive(Default)]
pub(crate) struct Past<'a> {
    pub totals: Totals,
    pub lateness: Option<&'a Durations>,
    pub runs: Option<&'a Durations>,
    pub kinds: Option<&'a KindCounts>,
}

impl Past<'_> {
    /// That of a queue in memory.
    pub(super) fn of(queue: &QueueState) -> Past<'_> {
        Past {
            totals: queue.totals,
            lateness: queue.lateness.as_deref(),
            runs: queue.runs.as_deref(),
            kinds: queue.kinds.as_deref(),
        }
    }
}

/// What is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    /// There is none.
    #[default]
    Nothing,
    /// There may be one; its keys are to be looked at.
    Doubt,
    /// It left memory in this era, by its last bits, and nothing has changed since.
    All(u8),
}

impl Known {
    /// The timer comes to every name in every era, so the last bits tell them apart.
    fn of_era(era: u32) -> Known {
        Known::All(era.to_le_bytes()[0])
    }
}

/// The hints of a queue, each of which is a bit.
fn hints(queue: &mut QueueState) -> [&mut bool; 7] {
    [
        &mut queue.maybe_blocked,
        &mut queue.maybe_expiring,
        &mut queue.maybe_unique_until,
        &mut queue.maybe_targeted,
        &mut queue.maybe_done,
        &mut queue.maybe_repeats,
        &mut queue.logged,
    ]
}
/// The bit of `maybe_blocked`.
const BLOCKED: u8 = 1;

impl Rest {
    /// What to keep of a queue that leaves memory, in this era; `None` as long as it has more to remember.
    pub(crate) fn of(queue: &mut QueueState, era: u32) -> Option<Rest> {
        let is_bare = queue.claims.is_empty()
            && queue.ended.is_empty()
            && queue.revoked.is_empty()
            && queue.recent.is_empty()
            && queue.cleaning.is_none();
        if !is_bare {
            return None;
        }
        let is_done = queue.rebase == Rebase::Done
            && queue.member_rescan.is_none()
            && queue.later_lists.empty() == 0
            && queue.later_targets.is_none()
            && queue.release_cursor.is_none()
            && queue.workers_to_serve.is_empty()
            && queue.awaited_rescan.is_none()
            && !queue.trim;
        let rescanned = (queue.targeted_rescan.is_none() || !queue.maybe_targeted)
            && (queue.blocked_rescan.is_none() || !queue.maybe_blocked);
        let hints = hints(queue).into_iter().enumerate();
        let maybe = hints.fold(0, |bits, (at, hint)| bits | u8::from(*hint) << at);
        Some(Rest {
            known: if is_done && rescanned {
                Known::of_era(era)
            } else {
                Known::Doubt
            },
            totals: queue.totals.packed()?,
            lateness: queue.lateness.take(),
            runs: queue.runs.take(),
            kinds: queue.kinds.take(),
            cleaned: u32::try_from(queue.cleaned.0 / SECOND).unwrap_or(0),
            maybe_ready: queue.maybe_ready,
            maybe,
        })
    }

    /// The memory of the queue, and whether it is certain: in another era all its keys may be different.
    pub(crate) fn end(self, era: u32) -> (QueueState, bool) {
        let mut queue = QueueState {
            totals: Totals::unpacked(self.totals),
            lateness: self.lateness,
            runs: self.runs,
            kinds: self.kinds,
            ..QueueState::default()
        };
        queue.totals_are_counted();
        let is_certain = self.known == Known::of_era(era);
        if is_certain {
            for (at, hint) in hints(&mut queue).into_iter().enumerate() {
                *hint = self.maybe & 1 << at != 0;
            }
            queue.maybe_ready = self.maybe_ready;
            queue.cleaned = Steady(Ms::from(self.cleaned) * SECOND);
            queue.rebase = Rebase::Done;
            queue.targeted_rescan = None;
            queue.blocked_rescan = None;
        }
        (queue, is_certain)
    }

    /// What happened in the queue.
    pub(super) fn past(&self) -> Past<'_> {
        Past {
            totals: Totals::unpacked(self.totals),
            lateness: self.lateness.as_deref(),
            runs: self.runs.as_deref(),
            kinds: self.kinds.as_deref(),
        }
    }

    /// Somebody changed its keys.
    pub(crate) fn doubt(&mut self) {
        self.known = Known::Doubt;
    }

    /// Whether there is none.
    pub(crate) fn is_none(&self) -> bool {
        self.known == Known::Nothing
    }

    /// Whether its tasks may be blocked.
    pub(crate) fn may_block(&self) -> bool {
        match self.known {
            Known::Nothing => false,
            Known::Doubt => true,
            Known::All(_) => self.maybe & BLOCKED != 0,
        }
    }
}
