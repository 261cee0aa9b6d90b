//! The module's settings: `steward.*` in redis.conf and CONFIG GET/SET. Queue settings override them.

use crate::time::{DAY, MAX_DELAY, MAX_LEASE, MAX_TTL, MIN_TTL, Ms, SECOND};

/// A numeric setting of the module.
#[derive(Debug)]
pub(crate) struct Number {
    /// Name after `steward.`.
    pub name: &'static str,
    /// Smallest, default and largest value.
    pub range: (i64, i64, i64),
    /// Accesses its field.
    pub field: fn(&mut ModuleConfig) -> &mut i64,
}

/// The current values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModuleConfig {
    /// `lease`, ms: how long a claim lasts when neither CLAIM, task nor queue says otherwise.
    pub lease: Ms,
    /// `attempts`: most runs of a task when neither task nor queue says otherwise.
    pub attempts: i64,
    /// `max-payload`, bytes.
    pub max_payload: i64,
    /// `timer-slice`, microseconds the timer may work before other clients are served.
    pub timer_slice: i64,
    /// `ttl`, ms: how long a member lives without a heartbeat unless it gives its own TTL.
    pub ttl: Ms,
    /// `reclaim-window`, ms: how long after a load or a promotion no new leader is appointed, at most.
    pub reclaim_window: Ms,
    /// `max-members`: most members of one service.
    pub max_members: i64,
    /// `events`: how many entries a stream of events keeps.
    pub events: i64,
    /// `events-retain`, ms: how long the events of a queue or service are kept that is not used any more.
    pub events_retain: Ms,
    /// `history-queues`: how many queues have a history without asking for it.
    pub history_queues: i64,
    /// `timer`: `no` suspends everything that the passing of time would trigger.
    pub timer: bool,
}

/// Most attempts of a task: the largest number of three base-36 digits.
pub(crate) const MAX_ATTEMPTS: i64 = 46_655;

/// All numeric settings; `timer` is the one that is yes or no.
pub(crate) const NUMBERS: &[Number] = &[
    Number {
        name: "lease",
        range: (1, 30_000, MAX_LEASE),
        field: |settings| &mut settings.lease,
    },
    Number {
        name: "attempts",
        range: (1, 25, MAX_ATTEMPTS),
        field: |settings| &mut settings.attempts,
    },
    Number {
        name: "max-payload",
        range: (1, 1 << 20, 512 << 20),
        field: |settings| &mut settings.max_payload,
    },
    Number {
        name: "timer-slice",
        range: (100, 1_000, 100_000),
        field: |settings| &mut settings.timer_slice,
    },
    Number {
        name: "ttl",
        range: (MIN_TTL, 15_000, MAX_TTL),
        field: |settings| &mut settings.ttl,
    },
    Number {
        name: "reclaim-window",
        range: (0, 60_000, 60_000),
        field: |settings| &mut settings.reclaim_window,
    },
    Number {
        name: "max-members",
        range: (1, 100_000, 1_000_000),
        field: |settings| &mut settings.max_members,
    },
    Number {
        name: "events",
        range: (10, 1_000, 1_000_000),
        field: |settings| &mut settings.events,
    },
    Number {
        name: "events-retain",
        range: (SECOND, DAY, MAX_DELAY),
        field: |settings| &mut settings.events_retain,
    },
    Number {
        name: "history-queues",
        range: (0, 1_000, 1_000_000),
        field: |settings| &mut settings.history_queues,
    },
];

impl Default for ModuleConfig {
    fn default() -> ModuleConfig {
        let mut settings = ModuleConfig {
            lease: 0,
            attempts: 0,
            max_payload: 0,
            timer_slice: 0,
            ttl: 0,
            reclaim_window: 0,
            max_members: 0,
            events: 0,
            events_retain: 0,
            history_queues: 0,
            timer: true,
        };
        for number in NUMBERS {
            *(number.field)(&mut settings) = number.range.1;
        }
        settings
    }
}
