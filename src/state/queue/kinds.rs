//! What happened to the tasks of each kind since the module was loaded.

use std::collections::BTreeMap;

use crate::stats::Durations;

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
}

/// The counts of all kinds of a queue, by name.
#[derive(Debug, Default)]
pub(crate) struct KindCounts(BTreeMap<String, KindStats>);

impl KindCounts {
    /// Adds something to the counts of a kind, or to those of `others` if there are too many kinds.
    pub(crate) fn count(&mut self, kind: &str, others: &str, add: impl FnOnce(&mut KindStats)) {
        let kind = if self.0.len() < MOST || self.0.contains_key(kind) {
            kind
        } else {
            others
        };
        if let Some(stats) = self.0.get_mut(kind) {
            return add(stats);
        }
        add(self.0.entry(kind.to_string()).or_default());
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &KindStats)> {
        self.0.iter().map(|(kind, stats)| (kind.as_str(), stats))
    }

    /// Nothing is claimed any more.
    pub(crate) fn start_over(&mut self) {
        self.0.values_mut().for_each(|stats| stats.running = 0);
    }
}
