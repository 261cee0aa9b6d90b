//! The settings of a queue that are numbers.

use super::GROUP_LIMIT;
use crate::config;
use crate::time::{DAY, MAX_DELAY, MAX_LEASE};

/// A numeric setting of a queue.
#[derive(Debug)]
pub(crate) struct Number {
    /// Field of the hash and name for TASK.CONFIG.
    pub name: &'static str,
    /// What it decides, for the manual.
    pub meaning: &'static str,
    /// Smallest and largest value.
    pub range: (i64, i64),
    /// Unit, "" for a count.
    pub unit: &'static str,
    /// What applies when the queue says nothing.
    pub default: fn(&config::ModuleConfig) -> i64,
}

/// Position of `lease` in `NUMBERS`.
pub(super) const LEASE: usize = 0;
/// Position of `attempts`.
pub(super) const ATTEMPTS: usize = 1;
/// Position of `max-lost`.
pub(super) const MAX_LOST: usize = 2;
/// Position of `dead-limit`.
pub(super) const DEAD_LIMIT: usize = 3;
/// Position of `dead-retain`.
pub(super) const DEAD_RETAIN: usize = 4;
/// Position of `retain`.
pub(super) const RETAIN: usize = 5;
/// Position of `concurrency`.
pub(super) const CONCURRENCY: usize = 6;
/// Position of `max-length`.
pub(super) const MAX_LENGTH: usize = 7;
/// Position of `events`.
pub(super) const EVENTS: usize = 8;
/// Position of `group-limit`.
pub(super) const GROUP_LIMIT_AT: usize = 9;

/// All numeric settings of a queue.
pub(crate) const NUMBERS: [Number; 10] = [
    Number {
        name: "lease",
        meaning: "how long a claim lasts when neither CLAIM nor the task says so",
        range: (1, MAX_LEASE),
        unit: "ms",
        default: |module| module.lease,
    },
    Number {
        name: "attempts",
        meaning: "most runs of a task that does not say itself",
        range: (1, config::MAX_ATTEMPTS),
        unit: "",
        default: |module| module.attempts,
    },
    Number {
        name: "max-lost",
        meaning: "a task that is lost more often than this, as its lease ran out or its worker died, is dead, whatever attempts are left: most likely it kills its workers",
        // Two base-36 digits hold 1295.
        range: (0, 1_000),
        unit: "",
        default: |_| 3,
    },
    Number {
        name: "dead-limit",
        meaning: "most dead tasks kept; the oldest go first",
        range: (0, 1_000_000_000),
        unit: "",
        default: |_| 10_000,
    },
    Number {
        name: "dead-retain",
        meaning: "how long dead tasks are kept",
        range: (0, MAX_DELAY),
        unit: "ms",
        default: |_| 180 * DAY,
    },
    Number {
        name: "retain",
        meaning: "how long a task is kept when it is done, if it does not say itself; 0: it is gone at once",
        range: (0, MAX_DELAY),
        unit: "ms",
        default: |_| 0,
    },
    Number {
        name: "concurrency",
        meaning: "most tasks claimed at once, over all workers; 0: any number",
        range: (0, 1_000_000_000),
        unit: "",
        default: |_| 0,
    },
    Number {
        name: "max-length",
        meaning: "most tasks that wait, are claimed or blocked; 0: any number",
        range: (0, 1_000_000_000),
        unit: "",
        default: |_| 0,
    },
    Number {
        name: "events",
        meaning: "entries that `task:{q}:events` keeps; 0: no stream",
        range: (0, 1_000_000),
        unit: "",
        default: |module| module.events,
    },
    Number {
        name: GROUP_LIMIT,
        meaning: "most tasks of one GROUP that have their turn at a time",
        // Whose turn it is is looked up one by one.
        range: (1, 100),
        unit: "",
        default: |_| 1,
    },
];
