//! The server's pulse: its event loop and its cron. A gap in it is a stall, in which no client was read.

use std::time::Instant;

use crate::stalls::STALL;
use crate::time::Ms;

/// How often our timer may fire in one turn of the event loop; it does so once, unless the wall clock is stepped.
const MOST_FIRED: u32 = 3;

/// When the server was last seen running.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// When the event loop woke up, while it is awake.
    woke: Option<Instant>,
    /// When the event loop last went to sleep.
    slept: Option<Instant>,
    /// The longest sleep, ms: then the cron wakes it.
    longest_sleep: Ms,
    cron: Option<Instant>,
    /// How often our timer fired since the event loop woke up.
    fired: u32,
    /// Whether it was not re-armed then.
    unarmed: bool,
    /// By how much the wall clock had been stepped when last checked.
    offset: Ms,
}

impl Pulse {
    /// The event loop wakes up.
    pub(super) fn wake(&mut self) {
        self.woke = Some(Instant::now());
        self.fired = 0;
    }

    /// Our timer fires. Whether it may be armed again in this turn of the event loop: the server reads the wall clock
    /// once for all timers that are due, so after a step back in between each one that is armed counts as due at once,
    /// and no client would be served until that time has come again.
    pub(super) fn fire(&mut self) -> bool {
        self.fired += 1;
        self.unarmed = self.fired > MOST_FIRED;
        !self.unarmed
    }

    /// Whether the timer was left unarmed, so that the cron is to arm it.
    pub(super) fn take_unarmed(&mut self) -> bool {
        std::mem::take(&mut self.unarmed)
    }

    /// The event loop goes to sleep.
    pub(super) fn sleep(&mut self) {
        (self.woke, self.slept) = (None, Some(Instant::now()));
    }

    /// How long the server has stalled, if it has: since it woke up, or in a sleep that was too long. Each stall is
    /// reported once.
    pub(super) fn take_stall(&mut self) -> Option<Ms> {
        let now = Instant::now();
        let since = |from: Option<Instant>| from.map_or(0, |from| ms_between(from, now));
        let overslept = if self.longest_sleep == 0 {
            0
        } else {
            since(self.slept) - self.longest_sleep
        };
        let length = since(self.woke).max(overslept);
        if length <= STALL {
            return None;
        }
        (self.woke, self.slept) = (Some(now), Some(now));
        Some(length)
    }

    /// Called by the cron, `hz` times a second. Returns its lateness if that is a stall that the event loop did not
    /// see, as when the process was stopped.
    pub(super) fn beat(&mut self, hz: Ms) -> Option<Ms> {
        let now = Instant::now();
        self.longest_sleep = 1_000 / hz.max(1);
        let before = self.cron.replace(now)?;
        let late = ms_between(before, now) - self.longest_sleep;
        (late > STALL).then_some(late)
    }

    /// Whether the wall clock was stepped since the last call; `offset` is the total of all steps.
    pub(super) fn was_stepped(&mut self, offset: Ms) -> bool {
        let stepped = (offset - self.offset).abs() > 1;
        if stepped {
            self.offset = offset;
        }
        stepped
    }
}

fn ms_between(from: Instant, to: Instant) -> Ms {
    Ms::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(Ms::MAX)
}
