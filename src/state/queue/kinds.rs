//! What happened to the tasks of each kind since the module was loaded, and which kinds are in use.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{ByKind, Counts, OTHERS, Packed};
use crate::settings::kinds::Kinds;
use crate::stats::{Durations, Totals};
use crate::time::{Ms, Steady};

/// Most kinds that are counted each by itself.
const MOST: usize = 1_000;

/// The counts of one kind.
#[derive(Debug, Default)]
pub(crate) struct KindStats {
    /// Claims granted.
    pub claimed: u64,
    /// Tasks acknowledged.
    pub acked: u64,
    /// FAILs.
    pub failed: u64,
    /// Tasks that became dead letters.
    pub dead: u64,
    /// Claims now.
    pub running: u64,
    /// How long the runs were that were acknowledged or failed.
    pub runs: Durations,
    /// How long they took together, ms.
    pub run_ms: u64,
    /// What of it was counted in the history of the queue.
    counted: Counts,
}

impl KindStats {
    /// A task was acknowledged or failed after this time.
    pub(crate) fn record_run(&mut self, ms: Ms) {
        self.run_ms += ms.unsigned_abs();
        self.runs.record(ms, 1);
    }

    fn counts(&self) -> Counts {
        let totals = Totals {
            acked: self.acked,
            failed: self.failed,
            dead: self.dead,
            ..Totals::default()
        };
        Counts::of(&totals, self.run_ms)
    }

    fn add(&mut self, other: &KindStats) {
        self.claimed += other.claimed;
        self.acked += other.acked;
        self.failed += other.failed;
        self.dead += other.dead;
        self.running += other.running;
        self.runs.add(&other.runs);
        self.run_ms += other.run_ms;
        self.counted.add(&other.counted);
    }
}

/// The counts of all kinds of a queue, by name.
#[derive(Debug, Default)]
pub(crate) struct KindCounts(BTreeMap<String, KindStats>);

impl KindCounts {
    /// Adds something to the counts of a kind; `None`: of those without a number.
    pub(crate) fn count(&mut self, kind: Option<&str>, kinds: &Kinds, add: impl FnOnce(&mut KindStats)) {
        let kind = kind.unwrap_or(OTHERS);
        if let Some(stats) = self.0.get_mut(kind) {
            return add(stats);
        }
        if self.0.len() >= MOST {
            self.make_room(kinds);
        }
        add(self.0.entry(kind.to_string()).or_default());
    }

    /// Counts a kind that has no number any more among the others.
    fn make_room(&mut self, kinds: &Kinds) {
        let is_gone = |kind: &&String| *kind != OTHERS && kinds.number(kind).is_none();
        let gone = self.0.keys().find(is_gone).cloned();
        if let Some(stats) = gone.and_then(|kind| self.0.remove(&kind)) {
            self.0.entry(OTHERS.into()).or_default().add(&stats);
        }
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &KindStats)> {
        self.0.iter().map(|(kind, stats)| (kind.as_str(), stats))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What happened since it was last counted in the history of the queue; it is counted by now.
    pub(crate) fn take_counts(&mut self) -> ByKind {
        let mut new = ByKind::default();
        for (kind, stats) in &mut self.0 {
            let counts = stats.counts();
            let since = counts.since(&stats.counted);
            if !since.is_zero() {
                stats.counted = counts;
                new.count(kind, &since);
            }
        }
        new
    }

    /// Nothing is claimed any more.
    pub(crate) fn start_over(&mut self) {
        self.0.values_mut().for_each(|stats| stats.running = 0);
    }
}

/// A walk over all tasks of a queue whose kinds have used up the numbers: which of them are in use?
#[derive(Debug)]
pub(crate) struct KindWalk {
    /// When it began.
    pub begun: Steady,
    /// How many states of tasks are done.
    pub states: usize,
    /// How far it is in the next one.
    pub cursor: Vec<u8>,
    /// The numbers that it has seen, and those of tasks that moved meanwhile.
    pub seen: BTreeSet<u16>,
    /// Whether it has come to its end.
    pub is_over: bool,
}

impl KindWalk {
    /// One that begins.
    pub(crate) fn new(now: Steady) -> KindWalk {
        KindWalk {
            begun: now,
            states: 0,
            cursor: Vec::new(),
            seen: BTreeSet::new(),
            is_over: false,
        }
    }
}
