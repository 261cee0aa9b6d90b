//! Counts since the module was loaded, how late the timer was, and how long tasks ran.

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

/// How long something took, each time.
#[derive(Debug)]
pub(crate) struct Durations(Histogram<u32>);

/// Longest duration recorded exactly, ms; more counts as this.
const MOST: u64 = 86_400_000;

impl Default for Durations {
    fn default() -> Durations {
        Durations::with_digits(2)
    }
}

impl Durations {
    /// One significant digit in an eighth of the memory, 1.5 KiB, for something of which there are many.
    pub(crate) fn coarse() -> Durations {
        Durations::with_digits(1)
    }

    fn with_digits(digits: u8) -> Durations {
        // One or two significant digits up to a day: cannot fail with these bounds, and grows no further.
        let histogram = Histogram::new_with_bounds(1, MOST, digits)
            .or_else(|_| Histogram::new(digits))
            .unwrap_or_else(|_| unreachable!("so few significant digits are allowed"));
        Durations(histogram)
    }

    /// Records a duration, `count` times.
    pub(crate) fn record(&mut self, ms: Ms, count: u64) {
        self.0.saturating_record_n(
            u64::try_from(ms).unwrap_or(0).min(MOST),
            u32::try_from(count).unwrap_or(u32::MAX),
        );
    }

    /// The duration that this share of them did not exceed, ms; `None` before the first.
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
        let mut lateness = Durations::default();
        assert_eq!(lateness.quantile(0.5), None);
        lateness.record(0, 98);
        lateness.record(7, 2);
        assert_eq!(lateness.quantile(0.5), Some(0));
        assert_eq!((lateness.quantile(0.99), lateness.max()), (Some(7), Some(7)));
    }
}
