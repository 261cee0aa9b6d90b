//! What happened to the tasks of each kind in some time, and how that is stored: in a key of its own, as the hash of the
//! history is compact only as long as its values are.

use std::collections::BTreeMap;

use super::{Counts, Packed, put_varint, take_varint};

/// Most kinds that are counted each by itself in a bucket, when it is stored.
const MOST: usize = 50;
/// What the tasks of all other kinds are counted as.
pub(crate) const OTHERS: &str = "other";

/// What happened to the tasks of each kind, by the name of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByKind(BTreeMap<String, Counts>);

impl ByKind {
    /// Counts what happened to tasks of this kind.
    pub(crate) fn count(&mut self, kind: &str, counts: &Counts) {
        if let Some(known) = self.0.get_mut(kind) {
            known.add(counts);
        } else {
            self.0.insert(kind.into(), *counts);
        }
    }

    /// Counts all of these.
    pub(crate) fn count_all(&mut self, other: &ByKind) {
        for (kind, counts) in other.iter() {
            self.count(kind, counts);
        }
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.0.iter().map(|(kind, counts)| (kind.as_str(), counts))
    }
}

impl Packed for ByKind {
    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The kinds that the bucket has stay apart, and so do new ones until there are enough.
    fn add(&mut self, other: &ByKind) {
        for (kind, counts) in other.iter() {
            let is_apart = self.0.contains_key(kind) || self.0.len() < MOST;
            self.count(if is_apart { kind } else { OTHERS }, counts);
        }
    }

    /// Of each kind its name and its counts, each after its length.
    fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        for (kind, counts) in self.iter() {
            for bytes in [kind.as_bytes(), &counts.pack()] {
                put_varint(bytes.len() as u64, &mut packed);
                packed.extend_from_slice(bytes);
            }
        }
        packed
    }

    fn unpack(mut packed: &[u8]) -> Option<ByKind> {
        let mut kinds = ByKind::default();
        let take = |packed: &mut &[u8]| {
            let length = usize::try_from(take_varint(packed)?).ok()?;
            packed.split_off(..length).map(<[u8]>::to_vec)
        };
        while !packed.is_empty() {
            let kind = String::from_utf8(take(&mut packed)?).ok()?;
            kinds.count(&kind, &Counts::unpack(&take(&mut packed)?)?);
        }
        Some(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acked(number: u64) -> Counts {
        Counts([0, number, 0, 0, 0, 0, 0])
    }

    #[test]
    fn kinds_are_packed_one_after_the_other() {
        let mut kinds = ByKind::default();
        assert_eq!(kinds.pack(), b"");
        assert_eq!(ByKind::unpack(b""), Some(ByKind::default()));
        kinds.count("b", &acked(300));
        kinds.count("a", &acked(1));
        assert_eq!(kinds.pack(), b"\x01a\x07\0\x01\0\0\0\0\0\x01b\x08\0\xac\x02\0\0\0\0\0");
        assert_eq!(ByKind::unpack(&kinds.pack()), Some(kinds));
        let later = ByKind::unpack(b"\x01a\x09\0\x01\0\0\0\0\0later");
        assert_eq!(later, None, "a length is right");
        let later = ByKind::unpack(b"\x01a\x09\0\x01\0\0\0\0\0\x05\x06");
        assert_eq!(
            later,
            ByKind::unpack(b"\x01a\x07\0\x01\0\0\0\0\0"),
            "a later version has more"
        );
        for foreign in [
            b"x".as_slice(),
            b"\x01a",
            b"\x01\xff\x07\0\0\0\0\0\0\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_eq!(ByKind::unpack(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn the_first_kinds_are_counted_each_by_itself() {
        let (mut many, mut bucket) = (ByKind::default(), ByKind::default());
        for number in 0..60 {
            many.count(&format!("kind{number:02}"), &acked(1));
        }
        assert_eq!(many.iter().count(), 60, "before it is stored");
        bucket.count("kind59", &acked(1));
        bucket.add(&many);
        assert_eq!(bucket.iter().count(), MOST + 1);
        assert_eq!([&bucket.0["kind59"], &bucket.0["kind48"]], [&acked(2), &acked(1)]);
        assert_eq!(bucket.0[OTHERS], acked(10));
        bucket.add(&many);
        assert_eq!(bucket.iter().count(), MOST + 1);
        assert_eq!([&bucket.0["kind59"], &bucket.0[OTHERS]], [&acked(3), &acked(20)]);
        assert_eq!(ByKind::unpack(&bucket.pack()), Some(bucket));
    }
}
