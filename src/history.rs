//! What happened to the tasks of a queue in each of the last hours and days, by the calendar of UTC, and how many were
//! ready: the buckets of its history and what is in them.

mod kinds;

pub(crate) use kinds::{ByKind, OTHERS};

use crate::stats::Totals;
use crate::time::{DAY, Ms, SECOND, Wall};

/// The numbers of a bucket, in the order in which they are stored; a later version may add some at the end.
const NUMBERS: [&str; 7] = [
    "scheduled_total",
    "acked_total",
    "failed_total",
    "lost_total",
    "dead_total",
    "run_total_ms",
    "ready_max_tasks",
];
/// The first version stored so many.
const FIRST: usize = 6;

/// What happened in some time, and the most tasks that were ready at once.
///
/// The most, because it is the same in whatever order the parts of an hour are put together, and those of a day: after
/// a restart, on a new primary, or when the clock was set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; NUMBERS.len()]);

impl Counts {
    /// Those of these totals, and how long the runs took.
    pub(crate) fn of(totals: &Totals, run_ms: u64) -> Counts {
        Counts([
            totals.scheduled,
            totals.acked,
            totals.failed,
            totals.lost,
            totals.dead,
            run_ms,
            0,
        ])
    }

    /// So many tasks were ready, and nothing happened.
    pub(crate) fn of_ready(tasks: u32) -> Counts {
        Counts([0, 0, 0, 0, 0, 0, u64::from(tasks)])
    }

    /// What happened since there were these.
    pub(crate) fn since(mut self, before: &Counts) -> Counts {
        for (number, before) in self.0.iter_mut().zip(before.0) {
            *number = number.saturating_sub(before);
        }
        self
    }

    /// The numbers with their names.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NUMBERS.into_iter().zip(self.0)
    }
}

/// What a bucket has, as it is stored.
pub(crate) trait Packed: Default + PartialEq {
    /// Whether nothing happened.
    fn is_zero(&self) -> bool;
    /// Adds what happened besides.
    fn add(&mut self, other: &Self);
    fn pack(&self) -> Vec<u8>;
    /// Reads what was packed; `None` if it is not ours.
    fn unpack(packed: &[u8]) -> Option<Self>;
}

impl Packed for Counts {
    fn is_zero(&self) -> bool {
        *self == Counts::default()
    }

    fn add(&mut self, other: &Counts) {
        let [sums @ .., most] = &mut self.0;
        for (number, other) in sums.iter_mut().zip(other.0) {
            *number = number.saturating_add(other);
        }
        let [.., other] = other.0;
        *most = other.max(*most);
    }

    /// Varints of numbers that a reply can hold, 63 bytes at most. Redis keeps a hash compact as long as no value has
    /// more than 64.
    fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        for number in self.0 {
            put_varint(number.min(i64::MAX.cast_unsigned()), &mut packed);
        }
        packed
    }

    fn unpack(mut packed: &[u8]) -> Option<Counts> {
        let mut counts = Counts::default();
        for (at, number) in counts.0.iter_mut().enumerate() {
            if at >= FIRST && packed.is_empty() {
                break;
            }
            *number = take_varint(&mut packed)?;
        }
        Some(counts)
    }
}

/// Appends a number as LEB128.
fn put_varint(mut number: u64, packed: &mut Vec<u8>) {
    while number > 0x7f {
        packed.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    packed.push(number.to_le_bytes()[0]);
}

/// Takes the number with which these bytes begin.
fn take_varint(packed: &mut &[u8]) -> Option<u64> {
    let length = packed.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let digits = packed.split_off(..length)?;
    let mut digits = digits.iter().rev();
    digits.try_fold(0_u64, |number, digit| {
        Some(number.checked_mul(0x80)? | u64::from(digit & 0x7f))
    })
}

/// What happened in a queue in some time: in all, and to the tasks of each kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Happened {
    pub all: Counts,
    pub kinds: ByKind,
}

impl Happened {
    /// Whether nothing happened. Whatever is counted for a kind is counted in all, too.
    pub(crate) fn is_zero(&self) -> bool {
        self.all.is_zero()
    }

    /// Counts what happened besides.
    pub(crate) fn count(&mut self, other: &Happened) {
        self.all.add(&other.all);
        self.kinds.count_all(&other.kinds);
    }

    /// Adds what happened besides to a bucket, as it will be when that is stored.
    pub(crate) fn add(&mut self, other: &Happened) {
        self.all.add(&other.all);
        self.kinds.add(&other.kinds);
    }
}

impl From<Counts> for Happened {
    fn from(all: Counts) -> Happened {
        let kinds = ByKind::default();
        Happened { all, kinds }
    }
}

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Span {
    Hour,
    Day,
}

impl Span {
    /// Both.
    pub(crate) const ALL: [Span; 2] = [Span::Hour, Span::Day];

    /// How many buckets of this length are kept.
    pub(crate) const fn kept(self) -> i64 {
        match self {
            Span::Hour => 48,
            Span::Day => 400,
        }
    }

    const fn ms(self) -> Ms {
        match self {
            Span::Hour => 3_600 * SECOND,
            Span::Day => DAY,
        }
    }
}

/// A bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    pub span: Span,
    /// How many such spans lie between 1970 and this one; at least one.
    number: i64,
}

impl Bucket {
    /// The one that this moment is in.
    pub(crate) fn at(span: Span, moment: Wall) -> Bucket {
        let number = (moment.0 / span.ms()).max(1);
        Bucket { span, number }
    }

    /// When it begins.
    pub(crate) fn start(self) -> Wall {
        Wall(self.number.saturating_mul(self.span.ms()))
    }

    /// When it ends.
    pub(crate) fn end(self) -> Wall {
        self.start().after(self.span.ms())
    }

    /// The first of the last `count` now.
    pub(crate) fn first_of(span: Span, count: i64, now: Wall) -> Bucket {
        let Bucket { number, .. } = Bucket::at(span, now);
        let number = number.saturating_sub(count - 1);
        Bucket { span, number }
    }

    /// Those after this one up to the one that this moment is in, as far as they are kept.
    pub(crate) fn until(self, now: Wall) -> impl Iterator<Item = Bucket> {
        let first = Bucket::first_of(self.span, self.span.kept(), now);
        let first = first.number.max(self.number.saturating_add(1));
        (first..=Bucket::at(self.span, now).number).map(move |number| Bucket { number, ..self })
    }

    /// All that are kept now.
    pub(crate) fn kept(now: Wall) -> impl Iterator<Item = Bucket> {
        Span::ALL.into_iter().flat_map(move |span| {
            let [first, last] = [Bucket::first_of(span, span.kept(), now), Bucket::at(span, now)];
            (first.number..=last.number).map(move |number| Bucket { span, number })
        })
    }

    /// Its field in the hash: an hour is above zero and a day below. Redis keeps numbers in a few bytes.
    pub(crate) fn field(self) -> String {
        match self.span {
            Span::Hour => self.number.to_string(),
            Span::Day => format!("-{}", self.number),
        }
    }

    /// The bucket of a field; `None` for a field that is not ours.
    pub(crate) fn of_field(field: &[u8]) -> Option<Bucket> {
        let text = std::str::from_utf8(field).ok()?;
        let (span, number) = match text.strip_prefix('-') {
            Some(number) => (Span::Day, number),
            None => (Span::Hour, text),
        };
        let number = number.parse().ok().filter(|number| *number > 0)?;
        Some(Bucket { span, number }).filter(|bucket| bucket.field() == text)
    }
}

/// Those of these buckets, in order, that are not kept any more: the old ones, and the latest of those that a clock
/// which was ahead has left, if there are too many.
pub(crate) fn surplus(buckets: impl Iterator<Item = Bucket> + Clone, now: Wall) -> Vec<Bucket> {
    let mut surplus = Vec::new();
    for span in Span::ALL {
        let first = Bucket::first_of(span, span.kept(), now);
        let all = buckets.clone().filter(|bucket| bucket.span == span);
        let (old, kept): (Vec<Bucket>, Vec<Bucket>) = all.partition(|bucket| *bucket < first);
        surplus.extend(old);
        surplus.extend(kept.into_iter().skip(usize::try_from(span.kept()).unwrap_or(0)));
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_packed_into_what_a_compact_hash_takes() {
        for number in [0, 1, 0x7f, 0x80, 300, 1 << 32, u64::MAX >> 1] {
            let counts = Counts([number, 0, 5, number, 1_000_000, number, number]);
            assert_eq!(Counts::unpack(&counts.pack()), Some(counts));
        }
        assert_eq!(Counts([u64::MAX; 7]).pack().len(), 63);
        assert_eq!(Counts([1, 2, 300, 0, 0, 7, 9]).pack(), [1, 2, 0xac, 2, 0, 0, 7, 9]);
        for foreign in [b"".as_slice(), b"12345", &[0xff; 64], &[0x80; 64]] {
            assert_eq!(Counts::unpack(foreign), None, "{foreign:?}");
        }
        assert_eq!(
            Counts::unpack(b"\x01\x01\x01\x01\x01\x01\x01later"),
            Some(Counts([1; 7]))
        );
        let first = Counts([1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(Counts::unpack(&[1; 6]), Some(first), "of the first version");
    }

    #[test]
    fn sums_are_added_and_of_the_most_the_larger_stays() {
        let mut counts = Counts([1, 2, 3, 4, 5, 6, 7]);
        counts.add(&Counts([1, 1, 1, 1, 1, u64::MAX, 5]));
        assert_eq!(counts, Counts([2, 3, 4, 5, 6, u64::MAX, 7]));
        counts.add(&Counts::of_ready(9));
        assert_eq!(counts, Counts([2, 3, 4, 5, 6, u64::MAX, 9]));
        assert!(!Counts::of_ready(1).is_zero());
    }

    #[test]
    fn a_bucket_has_one_field() {
        let moment = Wall(1_800_000_000_000);
        let [hour, day] = Span::ALL.map(|span| Bucket::at(span, moment));
        assert_eq!((hour.field(), day.field()), ("500000".into(), "-20833".into()));
        assert_eq!((hour.start(), day.start()), (moment, Wall(1_799_971_200_000)));
        assert_eq!(day.end().since(day.start()), DAY);
        assert_eq!(Bucket::at(Span::Hour, Wall(-1)).field(), "1");
        for bucket in [hour, day] {
            assert_eq!(Bucket::of_field(bucket.field().as_bytes()), Some(bucket));
        }
        for foreign in [
            "",
            "-",
            "0",
            "-0",
            "--5",
            "01",
            "-01",
            "+1",
            "1 ",
            "x5",
            "99999999999999999999",
        ] {
            assert_eq!(Bucket::of_field(foreign.as_bytes()), None, "{foreign}");
        }
    }

    #[test]
    fn what_is_old_goes_and_never_the_present() {
        let now = Wall(1_800_000_000_000);
        let hours = |from: i64, to: i64| {
            (from..to).map(move |number| Bucket {
                span: Span::Hour,
                number,
            })
        };
        let numbers = |buckets: Vec<Bucket>| buckets.iter().map(|bucket| bucket.number).collect::<Vec<_>>();
        assert_eq!(numbers(surplus(hours(499_953, 500_001), now)), [0_i64; 0]);
        assert_eq!(
            numbers(surplus(hours(499_950, 500_001), now)),
            [499_950, 499_951, 499_952]
        );
        // The clock was two days ahead.
        assert_eq!(numbers(surplus(hours(500_000, 500_050), now)), [500_048, 500_049]);
        let days = (0..401).map(|day| Bucket::at(Span::Day, Wall(now.0 - day * DAY)));
        let days: std::collections::BTreeSet<Bucket> = days.collect();
        let oldest = *days.first().unwrap();
        assert_eq!(surplus(days.iter().copied(), now), [oldest]);
    }
}
