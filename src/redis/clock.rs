//! The two clocks. Read once at the start of every transaction, and nowhere else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::config::ModuleConfig;
use crate::context::Context;
use crate::time::{Ms, Steady, Wall};

/// The moment at which the steady clock was set to the wall clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    wall_ms: Ms,
    chance: u64,
}

impl Default for Clock {
    fn default() -> Clock {
        let wall = since_epoch();
        Clock {
            started: Instant::now(),
            wall_ms: ms(wall),
            chance: u64::try_from(wall.as_nanos() & u128::from(u64::MAX)).unwrap_or(1) | 1,
        }
    }
}

impl Clock {
    /// The moment, for one transaction.
    pub(super) fn context(&mut self, config: ModuleConfig) -> Context {
        let wall = since_epoch();
        // A Weyl sequence: `Context::draw` mixes it.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Context {
            wall: Wall(ms(wall)),
            wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
            steady: self.steady(),
            config,
            chance: self.chance,
            // Set by the edge where it matters.
            memory_full: false,
        }
    }

    /// The steady clock's moment.
    pub(super) fn steady(&self) -> Steady {
        Steady(self.wall_ms.saturating_add(ms(self.started.elapsed())))
    }

    /// By how many ms the wall clock has been stepped since the steady clock was set.
    pub(super) fn offset(&self) -> Ms {
        ms(since_epoch()) - self.steady().0
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn ms(duration: Duration) -> Ms {
    Ms::try_from(duration.as_millis()).unwrap_or(Ms::MAX)
}
