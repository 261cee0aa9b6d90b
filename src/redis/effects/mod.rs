//! The effects of one transaction: what goes to the replicas and the append-only file, as `steward <name> <effects>`.
//! They are the writes themselves, so that a replica makes no decisions. All names that a transaction writes to are in
//! one record: a server that is killed while it writes the file keeps the whole record or nothing of it.
//!
//! A version byte, then operations: an opcode, the code of a key (see [`crate::names::KEYS`]), operands. Numbers are
//! LEB128 varints, scores zigzag varints, strings a length and bytes, lists a count and items. Ids are strings whose
//! length is one larger than it is: 0 stands for the id before. An operation concerns the name of the record, or that
//! of the last `N` before it.

mod read;

pub(super) use read::{Applied, Change, apply};

use std::ffi::CStr;
use std::ops::Range;

use crate::names::{Key, Name, Place};

/// The command that carries effects. The server looks it up for each record.
pub(super) const EFFECTS: &CStr = c"steward";
/// First byte of all effects: the version of the format.
const VERSION: u8 = b'1';
/// The opcode before another name.
const NAME: u8 = b'N';

/// Longest effects of a plain task of 100 bytes: reserved up front, so that the buffer does not grow.
const USUAL: usize = 224;

/// Largest count of pops that fits into one byte.
const MOST_POPS: u8 = 0x7f;

/// Collects the effects of one transaction on the names of one database.
///
/// How to change the format:
///
/// 1. A new kind of key or a new operation is no new version: give it a code that was never used (a row of `KEYS`, an
///    arm of `Reader::op`). Codes are never taken back or used for something else.
/// 2. What an older steward would misread (another order or encoding of operands, another meaning of a code) is a
///    new version: count `VERSION` up, and let `read` accept both, with an arm for what is different.
/// 3. Either way an older steward cannot read what is new: it answers `steward` with an error, logs it and leaves
///    its data as it was. So replicas are upgraded before their primary, as with Redis itself, and a file that has
///    something new in it is not loaded by an older steward: say so in the changelog.
/// 4. Read each old version as long as an append-only file may contain it, which is until it is rewritten: at least up
///    to the next major release.
/// 5. Pin the bytes in `the_format_is_this` (`read/tests.rs`), and teach the black-box reader of the server tests.
#[derive(Debug)]
pub(super) struct EffectLog {
    bytes: Vec<u8>,
    /// The name of the record.
    name: Name,
    /// The name of the last operation, if it is another one.
    other: Option<Name>,
    /// Where the last id is.
    id: Range<usize>,
    /// Where the last operation begins, if it is a pop: another pop of the same list is added to it.
    pop: Option<usize>,
}

impl EffectLog {
    /// Collects in this buffer, in a record of this name.
    pub(super) fn new(name: &Name, mut bytes: Vec<u8>) -> EffectLog {
        bytes.clear();
        bytes.reserve(USUAL);
        bytes.push(VERSION);
        EffectLog {
            bytes,
            name: name.clone(),
            other: None,
            id: 0..0,
            pop: None,
        }
    }

    /// The buffer, for reuse.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes, to be sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name of the record.
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// Starts an operation on a key.
    pub(super) fn op(&mut self, opcode: u8, key: Key<'_>) -> &mut EffectLog {
        self.turn_to(key.name);
        self.pop = None;
        self.bytes.push(opcode);
        self.key(key)
    }

    fn turn_to(&mut self, name: &Name) {
        if self.other.as_ref().unwrap_or(&self.name) != name {
            self.bytes.push(NAME);
            self.text(name.text().as_bytes());
            self.other = Some(name.clone());
        }
    }

    /// A string was set to these two pieces.
    pub(super) fn set(&mut self, key: Key<'_>, start: &[u8], rest: &[u8]) {
        self.op(b'S', key).pieces(start, rest);
    }

    /// A key was removed.
    pub(super) fn del(&mut self, key: Key<'_>) {
        self.op(b'X', key);
    }

    /// These ids were appended to a list.
    pub(super) fn rpush(&mut self, key: Key<'_>, ids: &[&[u8]]) {
        self.op(b'R', key).ids(ids);
    }

    /// These ids were put before a list, one after the other.
    pub(super) fn lpush(&mut self, key: Key<'_>, ids: &[&[u8]]) {
        self.op(b'L', key).ids(ids);
    }

    /// These members were added to a sorted set, or have these scores now.
    pub(super) fn zadd<'i>(&mut self, key: Key<'_>, members: impl ExactSizeIterator<Item = (i64, &'i [u8])>) {
        self.op(b'Z', key).count(members.len());
        for (score, id) in members {
            self.score(score).id(id);
        }
    }

    /// These members were removed from a sorted set.
    pub(super) fn zrem(&mut self, key: Key<'_>, ids: &[&[u8]]) {
        self.op(b'Y', key).ids(ids);
    }

    /// This id was taken off the head of a list.
    pub(super) fn pop(&mut self, key: Key<'_>, id: &[u8]) {
        self.turn_to(key.name);
        let (before, last_id, start) = (self.pop, self.id.clone(), self.bytes.len());
        self.op(b'P', key);
        // The opcode and the key of the operation before this one, then its count in one byte.
        if let Some([count, ..]) = before.and_then(|before| {
            let (done, this) = self.bytes.split_at_mut_checked(start)?;
            let (same, rest) = done.get_mut(before..)?.split_at_mut_checked(this.len())?;
            (same == this).then_some(rest)
        }) && *count < MOST_POPS
        {
            *count += 1;
            self.bytes.truncate(start);
            self.id = last_id;
            self.pop = before;
        } else {
            self.number(1);
            self.pop = Some(start);
        }
        self.id(id);
    }

    /// The first bytes of a string were replaced by these of the same length, 64 at most: what changed.
    pub(super) fn patch(&mut self, key: Key<'_>, before: &[u8], after: &[u8]) {
        let changed = changed(before, after);
        // Up to two bytes that stayed between two that changed are shorter sent than left out.
        let mut changed = changed | (changed << 1 | changed << 2) & (changed >> 1) | (changed << 1) & (changed >> 2);
        self.op(b'H', key);
        let counted = self.bytes.len();
        self.bytes.push(0);
        let (mut count, mut at) = (0, 0);
        while changed != 0 {
            let kept = changed.trailing_zeros();
            let length = (changed >> kept).trailing_ones();
            changed = changed.checked_shr(kept + length).unwrap_or(0);
            let start = at + kept as usize;
            at = start + length as usize;
            self.bytes.push(kept as u8);
            self.text(after.get(start..at).unwrap_or_default());
            count += 1;
        }
        if let Some(byte) = self.bytes.get_mut(counted) {
            *byte = count;
        }
    }

    /// Another key, as an operand.
    pub(super) fn key(&mut self, key: Key<'_>) -> &mut EffectLog {
        self.bytes.push(key.place.code());
        match key.place {
            Place::Once(_) | Place::Ready(_) => self,
            Place::Of(_, id) => self.id(id),
            Place::Dropped(number, index) => {
                self.number(number).bytes.push(index.place().code());
                self
            }
        }
    }

    /// An id.
    pub(super) fn id(&mut self, id: &[u8]) -> &mut EffectLog {
        if self.bytes.get(self.id.clone()) == Some(id) && !id.is_empty() {
            return self.number(0);
        }
        self.count(id.len() + 1);
        self.id = self.bytes.len()..self.bytes.len() + id.len();
        self.bytes.extend_from_slice(id);
        self
    }

    /// A list of ids.
    pub(super) fn ids(&mut self, ids: &[&[u8]]) -> &mut EffectLog {
        self.count(ids.len());
        for id in ids {
            self.id(id);
        }
        self
    }

    /// A number.
    pub(super) fn number(&mut self, mut number: u64) -> &mut EffectLog {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
        self
    }

    /// A count of what follows.
    pub(super) fn count(&mut self, count: usize) -> &mut EffectLog {
        self.number(count as u64)
    }

    /// A score.
    pub(super) fn score(&mut self, score: i64) -> &mut EffectLog {
        self.number(((score << 1) ^ (score >> 63)).cast_unsigned())
    }

    /// A string.
    pub(super) fn text(&mut self, bytes: &[u8]) -> &mut EffectLog {
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A string given in two pieces.
    pub(super) fn pieces(&mut self, start: &[u8], rest: &[u8]) -> &mut EffectLog {
        self.count(start.len() + rest.len());
        self.bytes.extend_from_slice(start);
        self.bytes.extend_from_slice(rest);
        self
    }

    /// A list of strings.
    pub(super) fn list(&mut self, items: &[&[u8]]) -> &mut EffectLog {
        self.count(items.len());
        for item in items {
            self.text(item);
        }
        self
    }
}

/// Bit n: the byte n differs. Looks at eight bytes at a time: a header is patched with every step of a task.
fn changed(before: &[u8], after: &[u8]) -> u64 {
    let word = |bytes: &[u8]| {
        let whole = bytes.first_chunk().map(|word| u64::from_le_bytes(*word));
        whole.unwrap_or_else(|| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    };
    let words = before.chunks(8).zip(after.chunks(8)).take(8).enumerate();
    words.fold(0, |bits, (at, (old, new))| {
        let mut differs = word(old) ^ word(new);
        // The lowest bit of each byte that is not 0, and then these eight bits side by side.
        differs |= differs >> 4;
        differs |= differs >> 2;
        differs |= differs >> 1;
        let side_by_side = (differs & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | side_by_side << (8 * at)
    })
}
