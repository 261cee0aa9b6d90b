//! What happened to the tasks of each kind in some time, and how that is stored.

use std::collections::BTreeMap;

use super::{Counts, Packed, put_varint, take_varint};

/// Most kinds that are counted each by itself in a bucket.
const MOST: usize = 50;
/// What the tasks of all other kinds are counted as.
pub(crate) const OTHERS: &str = "other";

/// What happened to the tasks of each kind, by the name of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByKind(BTreeMap<String, Counts>);

impl ByKind {
    /// Adds what happened to tasks of this kind.
    pub(crate) fn count(&mut self, kind: &str, counts: &Counts) {
        if let Some(known) = self.0.get_mut(kind) {
            return known.add(counts);
        }
        let kind = if self.0.len() < MOST { kind } else { OTHERS };
        self.0.entry(kind.into()).or_default().add(counts);
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

    fn add(&mut self, other: &ByKind) {
        for (kind, counts) in other.iter() {
            self.count(kind, counts);
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
        let mut kinds = ByKind::default();
        for number in 0..60 {
            kinds.count(&format!("kind{number:02}"), &acked(1));
        }
        kinds.count("kind07", &acked(1));
        kinds.count("kind70", &acked(1));
        assert_eq!(kinds.iter().count(), MOST + 1);
        assert_eq!(kinds.0["kind07"], acked(2));
        assert_eq!(kinds.0[OTHERS], acked(11));
        let mut sum = kinds.clone();
        sum.add(&kinds);
        assert_eq!(sum.iter().count(), MOST + 1);
        assert_eq!(sum.0[OTHERS], acked(22));
        assert_eq!(ByKind::unpack(&sum.pack()), Some(sum));
    }
}
