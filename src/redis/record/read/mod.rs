//! Reads a record and does what it says, through the same verbs that wrote it.

use super::{VERSION, index_code};
use crate::error::Result;
use crate::keyspace::{EntryId, Keyspace};
use crate::names::{Index, Key, Name, Part, Touched};

/// What is wrong with a record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Another version of the format.
    Version,
    /// An operation, a key or an operand is not as the format says.
    Malformed,
}

/// What was done to the keys of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Operations that met a key of another type.
    pub refused: usize,
    /// Whether something is derived in memory from a key of the queue that may have changed.
    pub queue: bool,
    /// Likewise of the service.
    pub service: bool,
}

/// One operation, as read.
#[derive(Debug, PartialEq, Eq)]
enum Op<'a> {
    Set(Part<'a>, &'a [u8]),
    SetStart(Part<'a>, &'a [u8]),
    Del(Part<'a>),
    Rename(Part<'a>, Part<'a>),
    Push(Part<'a>, Vec<&'a [u8]>),
    PushFront(Part<'a>, Vec<&'a [u8]>),
    Pop(Part<'a>, u64),
    Remove(Part<'a>, Vec<usize>),
    Add(Part<'a>, Vec<(i64, &'a [u8])>),
    Rem(Part<'a>, Vec<&'a [u8]>),
    RemLowest(Part<'a>, usize),
    SetFields(Part<'a>, Vec<(&'a [u8], &'a [u8])>),
    DelFields(Part<'a>, Vec<&'a [u8]>),
    Append(Part<'a>, EntryId, usize, Vec<(&'a [u8], &'a [u8])>),
}

impl<'a> Op<'a> {
    /// The key that changes.
    fn part(&self) -> Part<'a> {
        match self {
            Op::Set(part, _) | Op::SetStart(part, _) => *part,
            Op::Del(part) | Op::Rename(part, _) => *part,
            Op::Push(part, _) | Op::PushFront(part, _) | Op::Pop(part, _) | Op::Remove(part, _) => *part,
            Op::Add(part, _) | Op::Rem(part, _) | Op::RemLowest(part, _) => *part,
            Op::SetFields(part, _) | Op::DelFields(part, _) => *part,
            Op::Append(part, ..) => *part,
        }
    }
}

/// Does to the keys of `name` what the record says; nothing when it cannot be read.
pub(crate) fn apply(record: &[u8], name: &Name, keys: &mut dyn Keyspace) -> Result<Applied, Unreadable> {
    let mut reader = Reader(record);
    if reader.byte() != Ok(VERSION) {
        return Err(Unreadable::Version);
    }
    let mut ops = Vec::new();
    while !reader.0.is_empty() {
        ops.push(reader.op()?);
    }
    let mut applied = Applied::default();
    for op in &ops {
        match op.part().touched() {
            Touched::Queue => applied.queue = true,
            Touched::Service => applied.service = true,
            Touched::Task | Touched::Events => {}
        }
        applied.refused += usize::from(run(op, name, keys).is_err());
    }
    Ok(applied)
}

fn run(op: &Op<'_>, name: &Name, keys: &mut dyn Keyspace) -> Result<()> {
    let key = |part| Key { name, part };
    match op {
        Op::Set(part, value) => keys.set(key(*part), value, &[]),
        Op::SetStart(part, start) => keys.set_start(key(*part), start),
        Op::Del(part) => {
            keys.del(key(*part));
            Ok(())
        }
        Op::Rename(from, to) => {
            keys.rename(key(*from), key(*to));
            Ok(())
        }
        Op::Push(part, ids) => keys.rpush(key(*part), ids),
        Op::PushFront(part, ids) => keys.lpush(key(*part), ids),
        Op::Pop(part, count) => {
            for _ in 0..*count {
                if keys.lpop(key(*part))?.is_none() {
                    break;
                }
            }
            Ok(())
        }
        Op::Remove(part, positions) => keys.lremove(key(*part), positions),
        Op::Add(part, members) => keys.zadd(key(*part), members),
        Op::Rem(part, ids) => keys.zrem(key(*part), ids).map(|_| ()),
        Op::RemLowest(part, count) => keys.zrem_lowest(key(*part), *count),
        Op::SetFields(part, fields) => keys.hset(key(*part), fields),
        Op::DelFields(part, fields) => keys.hdel(key(*part), fields),
        Op::Append(part, id, most, fields) => keys.xadd(key(*part), Some(*id), fields, *most).map(|_| ()),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Unreadable> {
        let (&byte, rest) = self.0.split_first().ok_or(Unreadable::Malformed)?;
        self.0 = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            if low << shift >> shift != low {
                return Err(Unreadable::Malformed);
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Malformed)
    }

    fn count(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(self.number()?).map_err(|_| Unreadable::Malformed)
    }

    fn score(&mut self) -> Result<i64, Unreadable> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn text(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Malformed)?;
        self.0 = rest;
        Ok(text)
    }

    fn list<T>(&mut self, item: fn(&mut Reader<'a>) -> Result<T, Unreadable>) -> Result<Vec<T>, Unreadable> {
        let count = self.count()?;
        // Not with_capacity(count): every item takes a byte at least, so a false count ends soon.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn index(&mut self) -> Result<Index, Unreadable> {
        let byte = self.byte()?;
        index_of(byte).ok_or(Unreadable::Malformed)
    }

    fn part(&mut self) -> Result<Part<'a>, Unreadable> {
        Ok(match self.byte()? {
            b'q' => Part::Queue,
            b'w' => Part::Workers,
            b't' => Part::Task(self.text()?),
            b'x' => Part::Extra(self.text()?),
            b'g' => Part::Group(self.text()?),
            b'a' => Part::After(self.text()?),
            b'o' => Part::To(self.text()?),
            b'e' => Part::Expiring,
            b'u' => Part::Unique,
            b'n' => Part::UniqueUntil,
            b'r' => Part::Repeats,
            b'y' => Part::RepeatDue,
            b'z' => Part::RepeatPayloads,
            b'V' => Part::TaskEvents,
            b'p' => Part::Service,
            b'm' => Part::Members,
            b'k' => Part::Candidates,
            b'v' => Part::Events,
            b'D' => Part::Dropped(self.number()?, self.index()?),
            byte => Part::Index(index_of(byte).ok_or(Unreadable::Malformed)?),
        })
    }

    fn op(&mut self) -> Result<Op<'a>, Unreadable> {
        let opcode = self.byte()?;
        let part = self.part()?;
        Ok(match opcode {
            b'S' => Op::Set(part, self.text()?),
            b'H' => Op::SetStart(part, self.text()?),
            b'X' => Op::Del(part),
            b'M' => Op::Rename(part, self.part()?),
            b'R' => Op::Push(part, self.list(Reader::text)?),
            b'L' => Op::PushFront(part, self.list(Reader::text)?),
            b'P' => Op::Pop(part, self.number()?),
            b'E' => Op::Remove(part, self.list(Reader::count)?),
            b'Z' => Op::Add(part, self.list(|reader| Ok((reader.score()?, reader.text()?)))?),
            b'Y' => Op::Rem(part, self.list(Reader::text)?),
            b'V' => Op::RemLowest(part, self.count()?),
            b'A' => Op::SetFields(part, self.list(|reader| Ok((reader.text()?, reader.text()?)))?),
            b'B' => Op::DelFields(part, self.list(Reader::text)?),
            b'I' => {
                let id = (self.number()?, self.number()?);
                let most = self.count()?;
                Op::Append(
                    part,
                    id,
                    most,
                    self.list(|reader| Ok((reader.text()?, reader.text()?)))?,
                )
            }
            _ => return Err(Unreadable::Malformed),
        })
    }
}

fn index_of(code: u8) -> Option<Index> {
    Index::ALL.into_iter().find(|index| index_code(*index) == code)
}

#[cfg(test)]
mod tests;
