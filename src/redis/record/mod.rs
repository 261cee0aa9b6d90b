//! The record of what one transaction did to one queue or service: what goes to the replicas and the
//! append-only file, as `steward.apply <name> <record>`. Values, never decisions to be made again.
//!
//! A version byte, then operations: an opcode, the code of a key, operands. Numbers are LEB128 varints,
//! scores zigzag varints, strings a length and bytes, lists a count and items.

mod read;

pub(super) use read::{Applied, Unreadable, apply};

use crate::names::{Index, Key, Part};

/// First byte of every record: the version of the format.
const VERSION: u8 = b'1';

/// Longest record of a plain task of 100 bytes: reserved at once, so that a record does not grow.
const USUAL: usize = 224;

/// Largest count of pops that is one byte.
const MOST_POPS: u8 = 0x7f;

/// Collects the effects of one transaction on one queue.
#[derive(Debug, Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    /// Where the last operation begins, if it is a pop: one more of the same list is added to it.
    pop: Option<usize>,
}

impl Record {
    /// Collects in this buffer.
    pub(super) fn in_buffer(mut bytes: Vec<u8>) -> Record {
        bytes.clear();
        Record { bytes, pop: None }
    }

    /// The buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The record, to be sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts an operation on a key.
    pub(super) fn op(&mut self, opcode: u8, key: Key<'_>) -> &mut Record {
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
    pub(super) fn key(&mut self, key: Key<'_>) -> &mut Record {
        write_key(&mut self.bytes, key.part);
        self
    }

    /// A number.
    pub(super) fn number(&mut self, number: u64) -> &mut Record {
        write_number(&mut self.bytes, number);
        self
    }

    /// A count of what follows.
    pub(super) fn count(&mut self, count: usize) -> &mut Record {
        self.number(count as u64)
    }

    /// A score.
    pub(super) fn score(&mut self, score: i64) -> &mut Record {
        self.number(((score << 1) ^ (score >> 63)).cast_unsigned())
    }

    /// A string.
    pub(super) fn text(&mut self, bytes: &[u8]) -> &mut Record {
        write_text(&mut self.bytes, bytes);
        self
    }

    /// A string given in two pieces.
    pub(super) fn pieces(&mut self, start: &[u8], rest: &[u8]) -> &mut Record {
        self.count(start.len() + rest.len());
        self.bytes.extend_from_slice(start);
        self.bytes.extend_from_slice(rest);
        self
    }

    /// A list of strings.
    pub(super) fn list(&mut self, items: &[&[u8]]) -> &mut Record {
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

fn write_key(out: &mut Vec<u8>, part: Part<'_>) {
    match part {
        Part::Queue => out.push(b'q'),
        Part::Workers => out.push(b'w'),
        Part::Index(index) => out.push(index_code(index)),
        Part::Dropped(number, index) => {
            out.push(b'D');
            write_number(out, number);
            out.push(index_code(index));
        }
        Part::Task(id) => write_named(out, b't', id),
        Part::Extra(id) => write_named(out, b'x', id),
        Part::Group(group) => write_named(out, b'g', group),
        Part::After(id) => write_named(out, b'a', id),
        Part::To(worker) => write_named(out, b'o', worker),
        Part::Expiring => out.push(b'e'),
        Part::Unique => out.push(b'u'),
        Part::UniqueUntil => out.push(b'n'),
        Part::Repeats => out.push(b'r'),
        Part::RepeatDue => out.push(b'y'),
        Part::RepeatPayloads => out.push(b'z'),
        Part::TaskEvents => out.push(b'V'),
        Part::Service => out.push(b'p'),
        Part::Members => out.push(b'm'),
        Part::Candidates => out.push(b'k'),
        Part::Events => out.push(b'v'),
    }
}

/// The code of a key of which a queue has many, and what tells it from the others.
fn write_named(out: &mut Vec<u8>, code: u8, id: &[u8]) {
    out.push(code);
    write_text(out, id);
}

fn index_code(index: Index) -> u8 {
    match index {
        Index::Scheduled => b's',
        Index::Ready(priority) => b'0' + priority.min(9),
        Index::Claimed => b'c',
        Index::Dead => b'd',
        Index::Done => b'f',
        Index::Blocked => b'b',
        Index::Targeted => b'i',
    }
}
