//! Counts since the module was loaded, and how late the timer was.

use hdrhistogram::Histogram;

use crate::time::Ms;

/// What happened to the tasks of one queue, or of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Tasks accepted.
    pub scheduled: u64,
    /// Claims granted.
    pub claimed: u64,
    /// Tasks acknowledged.
    pub acked: u64,
    /// FAILs.
    pub failed: u64,
    /// Claims lost: the lease ran out, the connection closed or the worker died.
    pub lost: u64,
    /// Tasks that became dead letters.
    pub dead: u64,
    /// Tasks dropped because they were not claimed in time.
    pub expired: u64,
    /// Tasks cancelled.
    pub cancelled: u64,
}

/// How many ms after its due time a task became claimable.
#[derive(Debug)]
pub(crate) struct Lateness(Histogram<u32>);

/// Longest lateness recorded exactly, ms; more counts as this.
const MOST: u64 = 86_400_000;

impl Default for Lateness {
    fn default() -> Lateness {
        // Two significant digits up to a day: cannot fail with these bounds, and grows no further.
        let histogram = Histogram::new_with_bounds(1, MOST, 2)
            .or_else(|_| Histogram::new(2))
            .unwrap_or_else(|_| unreachable!("two significant digits are allowed"));
        Lateness(histogram)
    }
}

impl Lateness {
    /// Records `count` tasks that were `late`.
    pub(crate) fn record(&mut self, late: Ms, count: u64) {
        self.0.saturating_record_n(
            u64::try_from(late).unwrap_or(0).min(MOST),
            u32::try_from(count).unwrap_or(u32::MAX),
        );
    }

    /// The lateness that this share of the tasks did not exceed, ms; `None` before the first.
    pub(crate) fn quantile(&self, share: f64) -> Option<Ms> {
        (!self.0.is_empty()).then(|| Ms::try_from(self.0.value_at_quantile(share)).unwrap_or(Ms::MAX))
    }

    /// The largest, ms; `None` before the first.
    pub(crate) fn max(&self) -> Option<Ms> {
        (!self.0.is_empty()).then(|| Ms::try_from(self.0.max()).unwrap_or(Ms::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.quantile(0.5), None);
        lateness.record(0, 98);
        lateness.record(7, 2);
        assert_eq!(lateness.quantile(0.5), Some(0));
        assert_eq!((lateness.quantile(0.99), lateness.max()), (Some(7), Some(7)));
    }
}
