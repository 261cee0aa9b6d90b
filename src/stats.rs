//! Counts since the module was loaded, how late the timer was, and how long tasks ran.

use std::cell::Cell;

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

impl Totals {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    fn fields(&mut self) -> [&mut u64; Totals::COUNT] {
        [
            &mut self.scheduled,
            &mut self.claimed,
            &mut self.acked,
            &mut self.failed,
            &mut self.lost,
            &mut self.dead,
            &mut self.expired,
            &mut self.cancelled,
        ]
    }

    /// In half the room; `None` if one is too large.
    pub(crate) fn packed(mut self) -> Option<[u32; Totals::COUNT]> {
        let mut packed = [0; Totals::COUNT];
        for (place, total) in packed.iter_mut().zip(self.fields()) {
            *place = u32::try_from(*total).ok()?;
        }
        Some(packed)
    }

    /// The same, as they were.
    pub(crate) fn unpacked(packed: [u32; Totals::COUNT]) -> Totals {
        let mut totals = Totals::default();
        for (total, place) in totals.fields().into_iter().zip(packed) {
            *total = u64::from(place);
        }
        totals
    }
}

/// How long something took, each time, to a hundredth. Most queues know few different values, so each takes room only
/// once it has occurred.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    /// How many there were in each bucket, in order.
    buckets: Vec<(u16, u32)>,
    most: u32,
    /// The buckets of the quantiles, since they were asked for last.
    quantiles: Cell<(u16, u16)>,
}

/// The quantiles are to be looked for.
const UNKNOWN: (u16, u16) = (u16::MAX, u16::MAX);
/// Longest duration recorded, ms; more counts as this.
const MOST: u32 = 86_400_000;
/// Up to twice this many ms each has a bucket of its own, and from there on so many share a power of two.
const STEPS: u32 = 128;

/// The bucket of a duration.
fn bucket(ms: u32) -> u16 {
    let halvings = ms.checked_ilog2().unwrap_or(0).saturating_sub(STEPS.ilog2());
    u16::try_from(STEPS * halvings + (ms >> halvings)).unwrap_or(u16::MAX)
}

/// The largest duration of a bucket.
fn largest(bucket: u16) -> u32 {
    let halvings = (u32::from(bucket) / STEPS).saturating_sub(1);
    ((u32::from(bucket) - STEPS * halvings + 1) << halvings) - 1
}

impl Durations {
    /// Records a duration, `count` times.
    pub(crate) fn record(&mut self, ms: Ms, count: u64) {
        let ms = u32::try_from(ms.max(0)).unwrap_or(MOST).min(MOST);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.most = self.most.max(ms);
        self.quantiles.set(UNKNOWN);
        let bucket = bucket(ms);
        match self.buckets.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, known)) = self.buckets.get_mut(at) {
                    *known = known.saturating_add(count);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }

    /// Records all that another one has.
    pub(crate) fn add(&mut self, other: &Durations) {
        for (bucket, count) in &other.buckets {
            let ms = largest(*bucket).min(other.most);
            self.record(ms.into(), u64::from(*count));
        }
    }

    /// The durations that half of them, and 99 of a hundred, did not exceed, ms; `None` before the first.
    pub(crate) fn quantiles(&self) -> Option<(Ms, Ms)> {
        self.max()?;
        if self.quantiles.get() == UNKNOWN {
            let total = self.buckets.iter().map(|(_, count)| u64::from(*count)).sum();
            self.quantiles.set((self.reaching(total, 50), self.reaching(total, 99)));
        }
        let (median, p99) = self.quantiles.get();
        let ms = |bucket| Ms::from(largest(bucket).min(self.most));
        Some((ms(median), ms(p99)))
    }

    /// The bucket up to which so many percent of `total` are.
    fn reaching(&self, total: u64, percent: u64) -> u16 {
        let mut left = (total * percent).div_ceil(100);
        let reached = self.buckets.iter().find(|(_, count)| {
            left = left.saturating_sub(u64::from(*count));
            left == 0
        });
        reached.map_or(0, |(bucket, _)| *bucket)
    }

    /// The largest, ms; `None` before the first.
    pub(crate) fn max(&self) -> Option<Ms> {
        (!self.buckets.is_empty()).then_some(Ms::from(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut lateness = Durations::default();
        assert_eq!(lateness.quantiles(), None);
        lateness.record(0, 98);
        lateness.record(7, 2);
        for _ in 0..2 {
            assert_eq!((lateness.quantiles(), lateness.max()), (Some((0, 7)), Some(7)));
        }
        lateness.record(100_000_000, 900);
        assert_eq!(
            (lateness.quantiles(), lateness.max()),
            (Some((86_400_000, 86_400_000)), Some(86_400_000))
        );
        lateness.record(-1, 9_000);
        assert_eq!(lateness.quantiles(), Some((0, 86_400_000)));
        lateness.record(5, 1_000_000);
        assert_eq!(lateness.quantiles(), Some((5, 5)));
    }

    #[test]
    fn a_bucket_is_a_hundredth_wide_at_most_and_only_what_occurred_takes_room() {
        let mut last = 0;
        for late in (0..2_000).chain((2_000..MOST).step_by(997)) {
            let (bucket, largest) = (bucket(late), largest(bucket(late)));
            assert!(largest >= late && largest - late <= late / 100, "{late} {largest}");
            assert!(bucket >= last, "{late}");
            last = bucket;
        }
        assert!(last < 2_700);
        let mut lateness = Durations::default();
        for _ in 0..1_000 {
            lateness.record(3, 1);
        }
        assert_eq!(lateness.buckets, [(3, 1_000)]);
        assert_eq!(size_of::<Durations>(), 32);
    }
}
