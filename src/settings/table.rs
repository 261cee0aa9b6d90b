//! The settings of a queue: one row each.
//!
//! A new numeric setting is a field of `Numbers`, a row of `SETTINGS` and the function that reads it with its default;
//! TASK.CONFIG and the manual are generated from the row.

use crate::command::{int, word};
use crate::config::{MAX_ATTEMPTS, ModuleConfig};
use crate::error::Error;
use crate::time::{DAY, MAX_DELAY, MAX_LEASE, Ms};

/// A setting of a queue.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Field of the hash and name for TASK.CONFIG.
    pub name: &'static str,
    /// What it decides.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the manual, which a test writes"))]
    pub meaning: &'static str,
    /// What values it has.
    pub kind: Kind,
}

/// What values a setting has.
#[derive(Debug)]
pub(crate) enum Kind {
    /// An integer.
    Number {
        /// Smallest and largest value.
        range: (i64, i64),
        /// Unit, "" for a count.
        unit: &'static str,
        /// Accesses its field; `None` when the queue does not set it.
        field: fn(&mut Numbers) -> &mut Option<i64>,
        /// The effective value.
        value: fn(&Numbers, &ModuleConfig) -> i64,
    },
    /// One of these words.
    Word {
        /// The first is the default.
        words: &'static [&'static str],
        /// Accesses the place of the word among them; `None` when the queue does not set it.
        field: fn(&mut Numbers) -> &mut Option<i64>,
        /// The effective place.
        value: fn(&Numbers) -> usize,
    },
    /// Like BACKOFF of TASK.SCHEDULE.
    Backoff,
    /// Claims per so many ms.
    Rate,
    /// The name of a service in the queue's slot.
    Service,
    /// The name of another queue in the queue's slot, or nothing.
    DeadQueue,
}

/// The numeric settings, as far as the queue sets them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Numbers {
    lease: Option<i64>,
    attempts: Option<i64>,
    retain: Option<i64>,
    concurrency: Option<i64>,
    group_limit: Option<i64>,
    group_hold: Option<i64>,
    max_length: Option<i64>,
    max_lost: Option<i64>,
    dead_limit: Option<i64>,
    dead_retain: Option<i64>,
    events: Option<i64>,
    events_level: Option<i64>,
    history: Option<i64>,
}

/// What is in the stream of events; each level has what those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventsLevel {
    /// What went wrong or was decided without the user.
    Problems,
    /// Tasks that are done.
    Ends,
    /// Claims, retries and progress.
    All,
}

/// Field: most tasks of one group that run at a time.
pub(crate) const GROUP_LIMIT: &str = "group-limit";
/// Field: the name of the queue that gets copies of dead tasks.
pub(crate) const DEAD_QUEUE: &str = "dead-queue";
/// Field: the name of the service; not stored when it is the queue's own.
pub(crate) const SERVICE: &str = "service";

/// All settings, in the documented order.
pub(crate) const SETTINGS: [Setting; 17] = [
    Setting {
        name: "lease",
        meaning: "how long a claim lasts, unless CLAIM or the task sets LEASE",
        kind: Kind::Number {
            range: (1, MAX_LEASE),
            unit: "ms",
            field: |numbers| &mut numbers.lease,
            value: |numbers, module| numbers.lease(module),
        },
    },
    Setting {
        name: "attempts",
        meaning: "maximum attempts, unless the task sets ATTEMPTS",
        kind: Kind::Number {
            range: (1, MAX_ATTEMPTS),
            unit: "",
            field: |numbers| &mut numbers.attempts,
            value: |numbers, module| numbers.attempts(module) as i64,
        },
    },
    Setting {
        name: "backoff",
        meaning: "the wait between attempts, unless the task sets BACKOFF",
        kind: Kind::Backoff,
    },
    Setting {
        name: "retain",
        meaning: "how long a done task is kept, unless it sets RETAIN; 0: not at all",
        kind: Kind::Number {
            range: (0, MAX_DELAY),
            unit: "ms",
            field: |numbers| &mut numbers.retain,
            value: |numbers, module| numbers.retain(module),
        },
    },
    Setting {
        name: "concurrency",
        meaning: "most tasks claimed at once, over all workers; 0: any number",
        kind: Kind::Number {
            range: (0, 1_000_000_000),
            unit: "",
            field: |numbers| &mut numbers.concurrency,
            value: |numbers, module| numbers.concurrency(module) as i64,
        },
    },
    Setting {
        name: "rate",
        meaning: "rate limit, n/ms: most claims in any window of that length (sliding); 0: any number",
        kind: Kind::Rate,
    },
    Setting {
        name: GROUP_LIMIT,
        meaning: "most tasks of one GROUP that may run at a time",
        kind: Kind::Number {
            // The tasks whose turn it is are looked up one by one.
            range: (1, 100),
            unit: "",
            field: |numbers| &mut numbers.group_limit,
            value: |numbers, module| numbers.group_limit(module) as i64,
        },
    },
    Setting {
        name: "group-hold",
        meaning: "how long a task of a GROUP keeps its turn: until its `end`, or only while it may `run`, so that others go on while it waits for its next attempt",
        kind: Kind::Word {
            words: &["end", "run"],
            field: |numbers| &mut numbers.group_hold,
            value: |numbers| usize::from(numbers.group_hold_run()),
        },
    },
    Setting {
        name: "max-length",
        meaning: "most tasks that wait, are claimed or blocked; 0: any number",
        kind: Kind::Number {
            range: (0, 1_000_000_000),
            unit: "",
            field: |numbers| &mut numbers.max_length,
            value: |numbers, module| numbers.max_length(module) as i64,
        },
    },
    Setting {
        name: "max-lost",
        meaning: "a task whose claims were lost more often than this (its lease ran out or its worker died) is dead, whatever attempts are left: it probably kills its workers",
        kind: Kind::Number {
            // The largest number of two base-36 digits.
            range: (0, 1_000),
            unit: "",
            field: |numbers| &mut numbers.max_lost,
            value: |numbers, module| numbers.max_lost(module) as i64,
        },
    },
    Setting {
        name: "dead-limit",
        meaning: "most dead tasks kept; the oldest go first",
        kind: Kind::Number {
            range: (0, 1_000_000_000),
            unit: "",
            field: |numbers| &mut numbers.dead_limit,
            value: |numbers, module| numbers.dead_limit(module) as i64,
        },
    },
    Setting {
        name: "dead-retain",
        meaning: "how long dead tasks are kept",
        kind: Kind::Number {
            range: (0, MAX_DELAY),
            unit: "ms",
            field: |numbers| &mut numbers.dead_retain,
            value: |numbers, module| numbers.dead_retain(module),
        },
    },
    Setting {
        name: DEAD_QUEUE,
        meaning: "the queue that gets a copy of each task that dies; empty: none",
        kind: Kind::DeadQueue,
    },
    Setting {
        name: "events",
        meaning: "entries that `task:{q}:events` keeps; 0: no stream",
        kind: Kind::Number {
            range: (0, 1_000_000),
            unit: "",
            field: |numbers| &mut numbers.events,
            value: |numbers, module| numbers.events(module) as i64,
        },
    },
    Setting {
        name: "events-level",
        meaning: "what is in that stream: `problems`; also the `ends` of tasks that are done; or `all`, also claims, retries and progress",
        kind: Kind::Word {
            words: &["problems", "ends", "all"],
            field: |numbers| &mut numbers.events_level,
            value: |numbers| numbers.events_level() as usize,
        },
    },
    Setting {
        name: "history",
        meaning: "whether what happens is counted for TASK.HISTORY: `auto`, if the queue is one of the first `steward.history-queues`; `no`, which removes what was counted; `yes`, in any case",
        kind: Kind::Word {
            words: &["auto", "no", "yes"],
            field: |numbers| &mut numbers.history,
            value: |numbers| numbers.history().map_or(0, |wish| 1 + usize::from(wish)),
        },
    },
    Setting {
        name: SERVICE,
        meaning: "the service whose members are the workers of the queue",
        kind: Kind::Service,
    },
];

/// The names of all settings.
pub(crate) const FIELDS: [&str; SETTINGS.len()] = {
    let mut names = [""; SETTINGS.len()];
    let mut at = 0;
    while at < names.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            names[at] = SETTINGS[at].name;
        }
        at += 1;
    }
    names
};

impl Setting {
    /// The value of a numeric setting, or the place of its word; errors with `BadArg` for any other.
    pub(super) fn number(&self, value: &[u8]) -> Result<i64, Error> {
        match self.kind {
            Kind::Number { range, unit, .. } => int(self.name, value, range.0, range.1, unit),
            Kind::Word { words, .. } => {
                let given = word(self.name, words, value)?;
                Ok(words.iter().position(|word| *word == given).unwrap_or(0) as i64)
            }
            _ => Err(Error::Internal),
        }
    }
}

impl Numbers {
    /// How long a claim lasts, ms.
    pub(crate) fn lease(&self, module: &ModuleConfig) -> Ms {
        self.lease.unwrap_or(module.lease)
    }
    /// Most runs of a task.
    pub(crate) fn attempts(&self, module: &ModuleConfig) -> u64 {
        self.attempts.unwrap_or(module.attempts) as u64
    }
    /// How long a task that is done is kept, ms.
    pub(crate) fn retain(&self, _: &ModuleConfig) -> Ms {
        self.retain.unwrap_or(0)
    }
    /// Most tasks claimed at once; 0 for any number.
    pub(crate) fn concurrency(&self, _: &ModuleConfig) -> usize {
        self.concurrency.unwrap_or(0) as usize
    }
    /// Most tasks of one group that run at a time.
    pub(crate) fn group_limit(&self, _: &ModuleConfig) -> usize {
        self.group_limit.unwrap_or(1) as usize
    }
    /// Whether a task keeps its turn in its group only while it may run.
    pub(crate) fn group_hold_run(&self) -> bool {
        self.group_hold == Some(1)
    }
    /// Most tasks that wait, are claimed or blocked; 0 for any number.
    pub(crate) fn max_length(&self, _: &ModuleConfig) -> usize {
        self.max_length.unwrap_or(0) as usize
    }
    /// A task lost more often than this is dead.
    pub(crate) fn max_lost(&self, _: &ModuleConfig) -> u64 {
        self.max_lost.unwrap_or(3) as u64
    }
    /// Most dead tasks kept.
    pub(crate) fn dead_limit(&self, _: &ModuleConfig) -> usize {
        self.dead_limit.unwrap_or(10_000) as usize
    }
    /// How long dead tasks are kept, ms.
    pub(crate) fn dead_retain(&self, _: &ModuleConfig) -> Ms {
        self.dead_retain.unwrap_or(180 * DAY)
    }
    /// How many entries the stream of events keeps; 0 for no stream.
    pub(crate) fn events(&self, module: &ModuleConfig) -> usize {
        self.events.unwrap_or(module.events) as usize
    }
    /// Whether it is to have a history; `None`: if few enough have one.
    pub(crate) fn history(&self) -> Option<bool> {
        match self.history {
            Some(1) => Some(false),
            Some(2) => Some(true),
            _ => None,
        }
    }
    /// What is in that stream.
    pub(crate) fn events_level(&self) -> EventsLevel {
        match self.events_level {
            Some(1) => EventsLevel::Ends,
            Some(2) => EventsLevel::All,
            _ => EventsLevel::Problems,
        }
    }
}
