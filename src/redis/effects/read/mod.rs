//! Reads effects and repeats them, through the same verbs that made them.

use std::collections::BTreeSet;

use super::VERSION;
use crate::error::Result;
use crate::keyspace::{EntryId, Keyspace};
use crate::names::{DROPPED, Index, Key, Name, Part, Place, Touched};

/// Why effects cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// An unknown version of the format.
    Version,
    /// An operation, a key or an operand violates the format.
    Malformed,
}

impl Unreadable {
    /// In words.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Unreadable::Version => "they were written by another version of steward",
            Unreadable::Malformed => "they are malformed",
        }
    }
}

/// What was applied to the keys of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Operations that were refused because the key has another type.
    pub refused: usize,
    /// Whether a key of the queue that memory is derived from may have changed.
    pub queue: bool,
    /// Likewise of the service.
    pub service: bool,
    /// The members that may have changed.
    pub members: BTreeSet<Vec<u8>>,
    /// Whether others of them may have changed too.
    pub any_member: bool,
}

/// One parsed operation.
#[derive(Debug, PartialEq, Eq)]
enum Op<'a> {
    Set(Place<'a>, &'a [u8]),
    SetStart(Place<'a>, &'a [u8]),
    Del(Place<'a>),
    Rename(Place<'a>, Place<'a>),
    Push(Place<'a>, Vec<&'a [u8]>),
    PushFront(Place<'a>, Vec<&'a [u8]>),
    Pop(Place<'a>, u64),
    Remove(Place<'a>, Vec<usize>),
    Add(Place<'a>, Vec<(i64, &'a [u8])>),
    Rem(Place<'a>, Vec<&'a [u8]>),
    RemLowest(Place<'a>, usize),
    SetFields(Place<'a>, Vec<(&'a [u8], &'a [u8])>),
    DelFields(Place<'a>, Vec<&'a [u8]>),
    Append(Place<'a>, EntryId, usize, Vec<(&'a [u8], &'a [u8])>),
}

impl<'a> Op<'a> {
    /// The key that changes.
    fn place(&self) -> Place<'a> {
        match self {
            Op::Set(place, _) | Op::SetStart(place, _) => *place,
            Op::Del(place) | Op::Rename(place, _) => *place,
            Op::Push(place, _) | Op::PushFront(place, _) | Op::Pop(place, _) | Op::Remove(place, _) => *place,
            Op::Add(place, _) | Op::Rem(place, _) | Op::RemLowest(place, _) => *place,
            Op::SetFields(place, _) | Op::DelFields(place, _) => *place,
            Op::Append(place, ..) => *place,
        }
    }
}

impl Op<'_> {
    /// The members of the service that this may change; `None`: any of them.
    fn members(&self) -> Option<Vec<Vec<u8>>> {
        let owned = |name: &&[u8]| name.to_vec();
        match self {
            Op::SetFields(Place::Once(Part::Service), _) | Op::DelFields(Place::Once(Part::Service), _) => {
                Some(Vec::new())
            }
            Op::SetFields(_, fields) => Some(fields.iter().map(|(name, _)| owned(name)).collect()),
            Op::Add(_, members) => Some(members.iter().map(|(_, name)| owned(name)).collect()),
            Op::DelFields(_, names) | Op::Rem(_, names) => Some(names.iter().map(owned).collect()),
            _ => None,
        }
    }
}

/// Writes the effects to the keys of `name`, or nothing if they cannot be read.
pub(crate) fn apply(effects: &[u8], name: &Name, keys: &mut dyn Keyspace) -> Result<Applied, Unreadable> {
    let mut reader = Reader(effects);
    if reader.byte() != Ok(VERSION) {
        return Err(Unreadable::Version);
    }
    let mut ops = Vec::new();
    while !reader.0.is_empty() {
        ops.push(reader.op()?);
    }
    let mut applied = Applied::default();
    for op in &ops {
        match op.place().touched() {
            Touched::Queue => applied.queue = true,
            Touched::Service => {
                applied.service = true;
                match op.members() {
                    Some(members) => applied.members.extend(members),
                    None => applied.any_member = true,
                }
            }
            Touched::Task | Touched::Events => {}
        }
        applied.refused += usize::from(run(op, name, keys).is_err());
    }
    Ok(applied)
}

fn run(op: &Op<'_>, name: &Name, keys: &mut dyn Keyspace) -> Result<()> {
    let key = |place| Key { name, place };
    match op {
        Op::Set(place, value) => keys.set(key(*place), value, &[]),
        Op::SetStart(place, start) => keys.set_start(key(*place), start),
        Op::Del(place) => {
            keys.del(key(*place));
            Ok(())
        }
        Op::Rename(from, to) => {
            keys.rename(key(*from), key(*to));
            Ok(())
        }
        Op::Push(place, ids) => keys.rpush(key(*place), ids),
        Op::PushFront(place, ids) => keys.lpush(key(*place), ids),
        Op::Pop(place, count) => {
            for _ in 0..*count {
                if keys.lpop(key(*place))?.is_none() {
                    break;
                }
            }
            Ok(())
        }
        Op::Remove(place, positions) => keys.lremove(key(*place), positions),
        Op::Add(place, members) => keys.zadd(key(*place), members),
        Op::Rem(place, ids) => keys.zrem(key(*place), ids).map(|_| ()),
        Op::RemLowest(place, count) => keys.zrem_lowest(key(*place), *count),
        Op::SetFields(place, fields) => keys.hset(key(*place), fields),
        Op::DelFields(place, fields) => keys.hdel(key(*place), fields),
        Op::Append(place, id, most, fields) => keys.xadd(key(*place), Some(*id), fields, *most).map(|_| ()),
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
        // Not with_capacity(count): every item takes at least a byte, so a false count ends soon.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Positions of a list, each behind the one before: the server aborts when its list iterator has to turn round.
    fn positions(&mut self) -> Result<Vec<usize>, Unreadable> {
        let positions = self.list(Reader::count)?;
        let ascend = positions.is_sorted_by(|before, after| before < after);
        ascend.then_some(positions).ok_or(Unreadable::Malformed)
    }

    /// How many entries a stream keeps: the server counts them in an `i64`.
    fn most(&mut self) -> Result<usize, Unreadable> {
        let most = self.count()?;
        i64::try_from(most).map(|_| most).map_err(|_| Unreadable::Malformed)
    }

    fn index(&mut self) -> Result<Index, Unreadable> {
        let code = self.byte()?;
        let index = Index::ALL.into_iter().find(|index| index.place().code() == code);
        index.ok_or(Unreadable::Malformed)
    }

    fn place(&mut self) -> Result<Place<'a>, Unreadable> {
        Ok(match self.byte()? {
            digit @ b'0'..=b'9' => Place::Ready(digit - b'0'),
            DROPPED => Place::Dropped(self.number()?, self.index()?),
            code => match Part::of_code(code).ok_or(Unreadable::Malformed)? {
                part if part.kind().is_many => Place::Of(part, self.text()?),
                part => Place::Once(part),
            },
        })
    }

    fn op(&mut self) -> Result<Op<'a>, Unreadable> {
        let opcode = self.byte()?;
        let place = self.place()?;
        Ok(match opcode {
            b'S' => Op::Set(place, self.text()?),
            b'H' => Op::SetStart(place, self.text()?),
            b'X' => Op::Del(place),
            b'M' => Op::Rename(place, self.place()?),
            b'R' => Op::Push(place, self.list(Reader::text)?),
            b'L' => Op::PushFront(place, self.list(Reader::text)?),
            b'P' => Op::Pop(place, self.number()?),
            b'E' => Op::Remove(place, self.positions()?),
            b'Z' => Op::Add(place, self.list(|reader| Ok((reader.score()?, reader.text()?)))?),
            b'Y' => Op::Rem(place, self.list(Reader::text)?),
            b'V' => Op::RemLowest(place, self.count()?),
            b'A' => Op::SetFields(place, self.list(|reader| Ok((reader.text()?, reader.text()?)))?),
            b'B' => Op::DelFields(place, self.list(Reader::text)?),
            b'I' => {
                let id = (self.number()?, self.number()?);
                let most = self.most()?;
                Op::Append(
                    place,
                    id,
                    most,
                    self.list(|reader| Ok((reader.text()?, reader.text()?)))?,
                )
            }
            _ => return Err(Unreadable::Malformed),
        })
    }
}

#[cfg(test)]
mod tests;
