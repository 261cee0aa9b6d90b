//! The two clocks. Read once at the start of every transaction, and nowhere else.

use std::mem::MaybeUninit;

use crate::config::ModuleConfig;
use crate::context::Context;
use crate::time::{Ms, Steady, Wall};

/// The moment at which the steady clock was set to the wall clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What the wall clock was ahead of the monotonic clock of the system, ms.
    ahead: Ms,
    chance: u64,
    /// The moment that a test has set both clocks to.
    #[cfg(debug_assertions)]
    set: Option<Reading>,
}

impl Default for Clock {
    fn default() -> Clock {
        let wall = Reading::of(libc::CLOCK_REALTIME);
        Clock {
            ahead: wall.ms() - Reading::of(libc::CLOCK_MONOTONIC).ms(),
            chance: wall.us() << 10 | 1,
            #[cfg(debug_assertions)]
            set: None,
        }
    }
}

impl Clock {
    /// The moment, for one transaction.
    pub(super) fn context(&mut self, config: ModuleConfig) -> Context {
        let wall = self.read(libc::CLOCK_REALTIME);
        // A Weyl sequence: `Context::draw` mixes it.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Context {
            wall: Wall(wall.ms()),
            wall_us: wall.us(),
            steady: self.steady(),
            config,
            chance: self.chance,
            // Set by the edge where it matters.
            memory_full: false,
        }
    }

    /// The steady clock's moment.
    pub(super) fn steady(&self) -> Steady {
        Steady(self.ahead + self.read(libc::CLOCK_MONOTONIC).ms())
    }

    #[inline]
    fn read(&self, clock: libc::clockid_t) -> Reading {
        #[cfg(debug_assertions)]
        if let Some(set) = self.set {
            return set;
        }
        Reading::of(clock)
    }

    /// Sets both clocks to a moment, unix µs, where they stay, and what is drawn to what follows from it.
    #[cfg(debug_assertions)]
    pub(super) fn set(&mut self, us: u64) {
        let us = us.cast_signed();
        self.set = Some(Reading {
            seconds: us / 1_000_000,
            nanos: us % 1_000_000 * 1_000,
        });
        self.ahead = 0;
        self.chance = us.cast_unsigned() << 10 | 1;
    }

    /// By how many ms the wall clock has been stepped since the steady clock was set.
    pub(super) fn offset(&self) -> Ms {
        self.read(libc::CLOCK_REALTIME).ms() - self.steady().0
    }
}

/// What a clock of the system shows. Read without the types of the standard library, whose durations cost a command as
/// much as the rest of its entry.
#[derive(Clone, Copy, Debug)]
struct Reading {
    seconds: i64,
    nanos: i64,
}

impl Reading {
    fn of(clock: libc::clockid_t) -> Reading {
        let mut time = MaybeUninit::uninit();
        // SAFETY: room for the time, which is read only if it was written.
        unsafe {
            if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
                return Reading { seconds: 0, nanos: 0 };
            }
            let libc::timespec { tv_sec, tv_nsec } = time.assume_init();
            Reading {
                seconds: tv_sec,
                nanos: tv_nsec,
            }
        }
    }

    fn ms(self) -> Ms {
        self.seconds * 1_000 + self.nanos / 1_000_000
    }

    /// 0 before 1970.
    fn us(self) -> u64 {
        u64::try_from(self.seconds * 1_000_000 + self.nanos / 1_000).unwrap_or(0)
    }
}
