//! When nothing may expire: after a stall of the server, and after a time in which writes were refused.
//!
//! What queued up meanwhile (an ACK, an EXTEND) must be read before a deadline that passed meanwhile is
//! acted on. Expiry is delayed for as long as the stall lasted, but no lease is extended by more than its own length
//! (or 10 s) beyond its deadline: repeated small stalls must not keep the dead alive. A deadline that passed
//! while writes were refused counts as if it were the moment at which they were allowed again.

use crate::time::{Ms, Steady};

/// Pauses of the event loop up to this long are ordinary, ms.
pub(crate) const STALL: Ms = 100;
/// A lease is extended by at most this much beyond its deadline, ms, or by its own length if that is more.
const MIN_EXTENSION: Ms = 10_000;

/// What delays expiry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stalls {
    until: Steady,
    /// When the last stall ended.
    ended: Steady,
    /// When the event loop last began an iteration.
    turn: Steady,
    /// What clients had sent by then has been read.
    read: Steady,
    frozen_since: Option<Steady>,
    /// When writes were last allowed again.
    thawed: Steady,
    /// Stalls seen since the module was loaded.
    pub stalls: u64,
}

impl Stalls {
    /// The server stood still for `length` and goes on at `now`.
    pub(crate) fn stalled(&mut self, now: Steady, length: Ms) {
        self.stalls += 1;
        self.extend(now, length);
    }

    /// Writes are refused: remembers since when.
    pub(crate) fn freeze(&mut self, now: Steady) {
        self.frozen_since.get_or_insert(now);
    }

    /// Writes are allowed: the time they were not counts like a stall.
    pub(crate) fn thaw(&mut self, now: Steady) {
        if let Some(since) = self.frozen_since.take() {
            self.thawed = now;
            self.extend(now, now.since(since));
        }
    }

    /// The event loop has read what clients sent and begins its next iteration.
    pub(crate) fn turned(&mut self, now: Steady) {
        self.read = std::mem::replace(&mut self.turn, now);
    }

    /// Whether a lease of this length that ended at `deadline` may be acted on.
    pub(crate) fn may_expire(&self, now: Steady, deadline: Steady, length: Ms) -> bool {
        let latest = deadline.max(self.thawed).after(length.max(MIN_EXTENSION));
        // One full iteration of the event loop must follow the delay, as there may be a stall in every one.
        let is_over = |moment: Steady, since: Steady| now >= moment && self.read >= since;
        is_over(self.until, self.ended) || is_over(latest, latest)
    }

    /// Until when expiry is delayed, if that is later than `now`.
    pub(crate) fn until(&self, now: Steady) -> Option<Steady> {
        (self.until > now).then_some(self.until)
    }

    fn extend(&mut self, now: Steady, length: Ms) {
        self.ended = now;
        self.until = self.until.max(now.after(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expires_for_the_length_of_a_stall_and_one_turn() {
        let mut stalls = Stalls::default();
        assert!(stalls.may_expire(Steady(10), Steady(10), 500));
        stalls.stalled(Steady(1_000), 300);
        assert!(!stalls.may_expire(Steady(1_400), Steady(900), 500));
        stalls.turned(Steady(1_000));
        assert!(!stalls.may_expire(Steady(1_400), Steady(900), 500));
        stalls.turned(Steady(1_001));
        assert!(!stalls.may_expire(Steady(1_299), Steady(900), 500));
        assert!(stalls.may_expire(Steady(1_300), Steady(900), 500));
    }

    #[test]
    fn endless_stalls_do_not_keep_a_lease_alive() {
        let mut stalls = Stalls::default();
        for second in 0..100 {
            stalls.stalled(Steady(second * 1_000), 900);
            stalls.turned(Steady(second * 1_000));
        }
        // What was sent by 98 s has been read.
        let now = Steady(99_500);
        assert!(!stalls.may_expire(now, Steady(88_001), 500));
        assert!(stalls.may_expire(now, Steady(88_000), 500));
        assert!(!stalls.may_expire(now, Steady(68_001), 30_000));
        assert!(stalls.may_expire(now, Steady(68_000), 30_000));
    }

    #[test]
    fn a_freeze_counts_like_a_stall() {
        let mut stalls = Stalls::default();
        stalls.freeze(Steady(100));
        stalls.freeze(Steady(150));
        stalls.thaw(Steady(600));
        stalls.turned(Steady(600));
        stalls.turned(Steady(601));
        assert_eq!(stalls.until(Steady(600)), Some(Steady(1_100)));
        stalls.thaw(Steady(700));
        assert!(stalls.may_expire(Steady(1_100), Steady(200), 50));
    }

    #[test]
    fn a_long_freeze_ends_no_lease_the_moment_it_is_over() {
        let mut stalls = Stalls::default();
        stalls.freeze(Steady(1_000));
        stalls.thaw(Steady(101_000));
        stalls.turned(Steady(202_000));
        stalls.turned(Steady(202_001));
        // What could not be said for 100 s may be said for as long again, but for no more than the lease or 10 s.
        assert!(!stalls.may_expire(Steady(110_999), Steady(2_000), 500));
        assert!(stalls.may_expire(Steady(111_000), Steady(2_000), 500));
        assert!(!stalls.may_expire(Steady(130_999), Steady(2_000), 30_000));
        assert!(stalls.may_expire(Steady(131_000), Steady(2_000), 30_000));
        assert!(stalls.may_expire(Steady(201_000), Steady(2_000), 200_000));
        // One that ended after the freeze is extended as after any stall.
        assert!(!stalls.may_expire(Steady(121_999), Steady(112_000), 500));
        assert!(stalls.may_expire(Steady(122_000), Steady(112_000), 500));
    }

    #[test]
    fn what_was_sent_in_one_long_standstill_is_read_first() {
        let mut stalls = Stalls::default();
        stalls.turned(Steady(1_000));
        stalls.turned(Steady(1_001));
        stalls.stalled(Steady(61_000), 59_999);
        assert!(!stalls.may_expire(Steady(61_000), Steady(1_500), 500));
        stalls.turned(Steady(61_000));
        assert!(!stalls.may_expire(Steady(61_001), Steady(1_500), 500));
        stalls.turned(Steady(61_001));
        assert!(stalls.may_expire(Steady(61_002), Steady(1_500), 500));
    }
}
