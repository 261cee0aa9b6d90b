//! Milliseconds on two clocks, and the bounds of every duration a user may give.
//!
//! *Wall* time is what people mean (`AT`, due times, "died at"). *Steady* time runs with the monotonic
//! clock and was set to the wall clock when the server started; leases use it, so that a step of the
//! system clock neither ends nor freezes one. The two types keep them from being mixed.

/// A duration, or a moment on a clock that the name tells, in milliseconds.
pub(crate) type Ms = i64;

/// Wall-clock moment, unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wall(pub Ms);

/// Steady-clock moment: the wall time of the server's start plus the monotonic milliseconds since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Steady(pub Ms);

impl Wall {
    /// The moment `duration` later.
    pub(crate) fn after(self, duration: Ms) -> Wall {
        Wall(self.0.saturating_add(duration))
    }
    /// How long this is after `earlier`; negative when it is before.
    pub(crate) fn since(self, earlier: Wall) -> Ms {
        self.0.saturating_sub(earlier.0)
    }
}

impl Steady {
    /// A moment that never comes, later than all others: the largest integer that the score of a sorted set and
    /// every client language hold exactly.
    pub(crate) const NEVER: Steady = Steady((1 << 53) - 1);
    /// The moment `duration` later.
    pub(crate) fn after(self, duration: Ms) -> Steady {
        Steady(self.0.saturating_add(duration))
    }
    /// How long this is after `earlier`; negative when it is before.
    pub(crate) fn since(self, earlier: Steady) -> Ms {
        self.0.saturating_sub(earlier.0)
    }
}

/// One second.
pub(crate) const SECOND: Ms = 1_000;
/// One day.
pub(crate) const DAY: Ms = 86_400 * SECOND;
/// Longest delay, in ms: one hundred years of 365 days.
pub(crate) const MAX_DELAY: Ms = 100 * 365 * DAY;
/// Unix times below this are seconds given by mistake (it is March 1973 in ms, the year 5138 in s).
pub(crate) const MIN_UNIX_MS: Ms = 100_000_000_000;
/// Largest unix time, ms: the year 5138; nine base-36 digits hold it with room.
pub(crate) const MAX_UNIX_MS: Ms = 100_000_000_000_000;
/// Longest lease: 20 days, what six base-36 digits hold, rounded down.
pub(crate) const MAX_LEASE: Ms = 20 * DAY;
/// Shortest TTL of a member, ms: below it, ordinary delays of a network would kill.
pub(crate) const MIN_TTL: Ms = 100;
/// Longest TTL and grace of a member.
pub(crate) const MAX_TTL: Ms = DAY;
/// Longest BLOCK: one day short of what the module API's timeout holds on a 32-bit server; 0 waits for ever.
pub(crate) const MAX_BLOCK: Ms = 20 * DAY;
