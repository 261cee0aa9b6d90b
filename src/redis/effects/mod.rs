//! The effects of one transaction on one queue or service: what goes to the replicas and the append-only file, as
//! `steward.apply <name> <effects>`. They are the writes themselves, so that a replica makes no decisions.
//!
//! A version byte, then operations: an opcode, the code of a key (see [`crate::names::KEYS`]), operands. Numbers are
//! LEB128 varints, scores zigzag varints, strings a length and bytes, lists a count and items.

mod read;

pub(super) use read::{Applied, apply};

use crate::names::{Key, Place};

/// First byte of all effects: the version of the format.
const VERSION: u8 = b'1';

/// Longest effects of a plain task of 100 bytes: reserved up front, so that the buffer does not grow.
const USUAL: usize = 224;

/// Largest count of pops that fits into one byte.
const MOST_POPS: u8 = 0x7f;

/// Collects the effects of one transaction on one queue.
///
/// How to change the format:
///
/// 1. A new kind of key or a new operation is no new version: give it a code that was never used (a row of `KEYS`, an
///    arm of `Reader::op`). Codes are never taken back or used for something else.
/// 2. What an older steward would misread (another order or encoding of operands, another meaning of a code) is a
///    new version: count `VERSION` up, and let `read` accept both, with an arm for what is different.
/// 3. Either way an older steward cannot read what is new: it answers `steward.apply` with an error, logs it and leaves
///    its data as it was. So replicas are upgraded before their primary, as with Redis itself, and a file that has
///    something new in it is not loaded by an older steward: say so in the changelog.
/// 4. Read each old version as long as an append-only file may contain it, which is until it is rewritten: at least up
///    to the next major release.
/// 5. Pin the bytes in `the_format_is_this` (`read/tests.rs`), and teach the black-box reader of the server tests.
#[derive(Debug, Default)]
pub(super) struct EffectLog {
    bytes: Vec<u8>,
    /// Where the last operation begins, if it is a pop: another pop of the same list is added to it.
    pop: Option<usize>,
}

impl EffectLog {
    /// Collects in this buffer.
    pub(super) fn in_buffer(mut bytes: Vec<u8>) -> EffectLog {
        bytes.clear();
        EffectLog { bytes, pop: None }
    }

    /// The buffer, for reuse.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes, to be sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts an operation on a key.
    pub(super) fn op(&mut self, opcode: u8, key: Key<'_>) -> &mut EffectLog {
        if self.bytes.is_empty() {
            self.bytes.reserve(USUAL);
            self.bytes.push(VERSION);
        }
        self.pop = None;
        self.bytes.push(opcode);
        self.key(key)
    }

    /// One element was taken off the head of a list.
    pub(super) fn pop(&mut self, key: Key<'_>) {
        let before = self.pop;
        let start = self.bytes.len().max(1);
        self.op(b'P', key);
        // The opcode and the key of the operation before this one, then its count in one byte.
        if let Some((same, [count, this @ ..])) = before.and_then(|before| {
            let (done, this) = self.bytes.split_at_mut_checked(start - 1)?;
            Some((done.get(before..)?, this))
        }) && same == this
            && *count < MOST_POPS
        {
            *count += 1;
            self.bytes.truncate(start);
            self.pop = before;
            return;
        }
        self.number(1);
        self.pop = Some(start);
    }

    /// Another key, as an operand.
    pub(super) fn key(&mut self, key: Key<'_>) -> &mut EffectLog {
        write_key(&mut self.bytes, key.place);
        self
    }

    /// A number.
    pub(super) fn number(&mut self, number: u64) -> &mut EffectLog {
        write_number(&mut self.bytes, number);
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
        write_text(&mut self.bytes, bytes);
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

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_text(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_key(out: &mut Vec<u8>, place: Place<'_>) {
    out.push(place.code());
    match place {
        Place::Once(_) | Place::Ready(_) => {}
        Place::Of(_, id) => write_text(out, id),
        Place::Dropped(number, index) => {
            write_number(out, number);
            out.push(index.place().code());
        }
    }
}
