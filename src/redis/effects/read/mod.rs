//! Reads effects and repeats them, through the same verbs that made them.

use std::collections::BTreeSet;

use super::{NAME, VERSION};
use crate::error::{Error, Result};
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

/// How far from the head of a list an id is looked for that should be there: a diverged replica must not stall.
const SEARCHED: usize = 1_000;

/// Most bytes that a patch leaves as they are, at once: it is for headers, which are shorter.
const MOST_KEPT: usize = 255;

/// What was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Operations that were refused: the key has another type, or an id is not where it should be.
    pub refused: usize,
    /// What changed of each name, that of the record first.
    pub changes: Vec<Change>,
}

/// What changed of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The name.
    pub name: Name,
    /// Whether a key of the queue that memory is derived from may have changed.
    pub queue: bool,
    /// Likewise of its history.
    pub history: bool,
    /// Likewise of the service.
    pub service: bool,
    /// The members that may have changed.
    pub members: BTreeSet<Vec<u8>>,
    /// Whether others of them may have changed too.
    pub any_member: bool,
}

impl Applied {
    /// The position of this name's change.
    fn change_of(&mut self, name: &Name) -> usize {
        let known = self.changes.iter().position(|change| change.name == *name);
        known.unwrap_or_else(|| {
            self.changes.push(Change {
                name: name.clone(),
                queue: false,
                history: false,
                service: false,
                members: BTreeSet::new(),
                any_member: false,
            });
            self.changes.len() - 1
        })
    }
}

/// One parsed operation.
#[derive(Debug, PartialEq, Eq)]
enum Op<'a> {
    /// The operations that follow concern this name.
    TurnTo(Name),
    Set(Place<'a>, &'a [u8]),
    /// Bytes that stay, then new ones, again and again.
    Patch(Place<'a>, Vec<(usize, &'a [u8])>),
    Del(Place<'a>),
    Rename(Place<'a>, Place<'a>),
    Push(Place<'a>, Vec<&'a [u8]>),
    PushFront(Place<'a>, Vec<&'a [u8]>),
    Pop(Place<'a>, Vec<&'a [u8]>),
    Remove(Place<'a>, Vec<(usize, &'a [u8])>),
    Add(Place<'a>, Vec<(i64, &'a [u8])>),
    Rem(Place<'a>, Vec<&'a [u8]>),
    SetFields(Place<'a>, Vec<(&'a [u8], &'a [u8])>),
    DelFields(Place<'a>, Vec<&'a [u8]>),
    Append(Place<'a>, EntryId, usize, Vec<(&'a [u8], &'a [u8])>),
}

impl<'a> Op<'a> {
    /// The key that changes.
    fn place(&self) -> Option<Place<'a>> {
        match self {
            Op::TurnTo(_) => None,
            Op::Set(place, _) | Op::Patch(place, _) => Some(*place),
            Op::Del(place) | Op::Rename(place, _) => Some(*place),
            Op::Push(place, _) | Op::PushFront(place, _) | Op::Pop(place, _) | Op::Remove(place, _) => Some(*place),
            Op::Add(place, _) | Op::Rem(place, _) => Some(*place),
            Op::SetFields(place, _) | Op::DelFields(place, _) => Some(*place),
            Op::Append(place, ..) => Some(*place),
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

/// Writes the effects of a record of this name, or nothing if they cannot be read.
pub(crate) fn apply(effects: &[u8], name: &Name, keys: &mut dyn Keyspace) -> Result<Applied, Unreadable> {
    let mut reader = Reader {
        rest: effects,
        db: name.db,
        id: &[],
    };
    if reader.byte() != Ok(VERSION) {
        return Err(Unreadable::Version);
    }
    let mut ops = Vec::new();
    while !reader.rest.is_empty() {
        ops.push(reader.op()?);
    }
    let mut applied = Applied::default();
    let mut change = applied.change_of(name);
    for op in &ops {
        if let Op::TurnTo(name) = op {
            change = applied.change_of(name);
            continue;
        }
        let Some(change) = applied.changes.get_mut(change) else {
            continue;
        };
        match op.place().map(|place| place.touched()) {
            Some(Touched::Queue) => change.queue = true,
            Some(Touched::History) => change.history = true,
            Some(Touched::Service) => {
                change.service = true;
                match op.members() {
                    Some(members) => change.members.extend(members),
                    None => change.any_member = true,
                }
            }
            Some(Touched::Task | Touched::Events) | None => {}
        }
        applied.refused += usize::from(run(op, &change.name, keys).is_err());
    }
    Ok(applied)
}

fn run(op: &Op<'_>, name: &Name, keys: &mut dyn Keyspace) -> Result<()> {
    let key = |place| Key { name, place };
    match op {
        Op::TurnTo(_) => Ok(()),
        Op::Set(place, value) => keys.set(key(*place), value, &[]),
        Op::Patch(place, changes) => patch(keys, key(*place), changes),
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
        Op::Pop(place, ids) => {
            // One that is refused does not keep the others.
            let refused = ids.iter().filter_map(|id| pop(keys, key(*place), id).err()).last();
            refused.map_or(Ok(()), Err)
        }
        Op::Remove(place, elements) => remove(keys, key(*place), elements),
        Op::Add(place, members) => keys.zadd(key(*place), members),
        Op::Rem(place, ids) => keys.zrem(key(*place), ids).map(|_| ()),
        Op::SetFields(place, fields) => keys.hset(key(*place), fields),
        Op::DelFields(place, fields) => keys.hdel(key(*place), fields),
        Op::Append(place, id, most, fields) => keys.xadd(key(*place), Some(*id), fields, *most).map(|_| ()),
    }
}

/// Takes this id off the head of a list, or from where it stands if the list differs from that of the primary: another
/// one is never removed in its place, since its task would then be in no list.
fn pop(keys: &mut dyn Keyspace, key: Key<'_>, id: &[u8]) -> Result<()> {
    match keys.lpop(key)? {
        Some(head) if head.as_slice() == id => return Ok(()),
        Some(head) => keys.lpush(key, &[&head])?,
        None => return Err(Error::NoTask),
    }
    let near = keys.lrange(key, 0, SEARCHED)?;
    let at = near.iter().position(|there| there == id).ok_or(Error::NoTask)?;
    keys.lremove(key, &[(at, id)])
}

/// Removes those of these elements of a list that are where they should be.
fn remove(keys: &mut dyn Keyspace, key: Key<'_>, elements: &[(usize, &[u8])]) -> Result<()> {
    let (Some((first, _)), Some((last, _))) = (elements.first(), elements.last()) else {
        return Ok(());
    };
    let from = i64::try_from(*first).map_err(|_| Error::NoTask)?;
    let there = keys.lrange(key, from, last - first + 1)?;
    let is_there = |(at, id): &&(usize, &[u8])| there.get(at - first).is_some_and(|there| there == id);
    let found: Vec<_> = elements.iter().filter(is_there).copied().collect();
    keys.lremove(key, &found)?;
    if found.len() < elements.len() {
        return Err(Error::NoTask);
    }
    Ok(())
}

/// Replaces some of the first bytes of a string.
fn patch(keys: &mut dyn Keyspace, key: Key<'_>, changes: &[(usize, &[u8])]) -> Result<()> {
    let length = changes.iter().map(|(kept, new)| kept + new.len()).sum();
    let Some(mut start) = keys.get_start(key, length)? else {
        return Ok(());
    };
    start.resize(length, 0);
    let mut at = 0;
    for (kept, new) in changes {
        at += kept + new.len();
        if let Some(old) = start.get_mut(at - new.len()..at) {
            old.copy_from_slice(new);
        }
    }
    keys.set_start(key, &start)
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The database of the record.
    db: i32,
    /// The last id.
    id: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Unreadable> {
        let (&byte, rest) = self.rest.split_first().ok_or(Unreadable::Malformed)?;
        self.rest = rest;
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
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Unreadable::Malformed)?;
        self.rest = rest;
        Ok(text)
    }

    fn id(&mut self) -> Result<&'a [u8], Unreadable> {
        if let Some(length) = self.count()?.checked_sub(1) {
            (self.id, self.rest) = self.rest.split_at_checked(length).ok_or(Unreadable::Malformed)?;
        }
        Ok(self.id)
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

    /// What changes of the first bytes of a string: no more of them than there are, or it would have no bound.
    fn patch(&mut self) -> Result<Vec<(usize, &'a [u8])>, Unreadable> {
        let changes = self.list(|reader| Ok((reader.count()?, reader.text()?)))?;
        let fits = |(kept, _): &(usize, &[u8])| *kept <= MOST_KEPT;
        changes.iter().all(fits).then_some(changes).ok_or(Unreadable::Malformed)
    }

    /// Elements of a list, each behind the one before: the server aborts when its list iterator has to turn round.
    fn elements(&mut self) -> Result<Vec<(usize, &'a [u8])>, Unreadable> {
        let elements = self.list(|reader| Ok((reader.count()?, reader.id()?)))?;
        let ascend = elements.is_sorted_by(|(before, _), (after, _)| before < after);
        ascend.then_some(elements).ok_or(Unreadable::Malformed)
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
                part if part.kind().is_many => Place::Of(part, self.id()?),
                part => Place::Once(part),
            },
        })
    }

    fn op(&mut self) -> Result<Op<'a>, Unreadable> {
        let opcode = self.byte()?;
        if opcode == NAME {
            let name = Name::new(self.db, self.text()?);
            return name.map(Op::TurnTo).map_err(|_| Unreadable::Malformed);
        }
        let place = self.place()?;
        Ok(match opcode {
            b'S' => Op::Set(place, self.text()?),
            b'H' => Op::Patch(place, self.patch()?),
            b'X' => Op::Del(place),
            b'M' => Op::Rename(place, self.place()?),
            b'R' => Op::Push(place, self.list(Reader::id)?),
            b'L' => Op::PushFront(place, self.list(Reader::id)?),
            b'P' => Op::Pop(place, self.list(Reader::id)?),
            b'E' => Op::Remove(place, self.elements()?),
            b'Z' => Op::Add(place, self.list(|reader| Ok((reader.score()?, reader.id()?)))?),
            b'Y' => Op::Rem(place, self.list(Reader::id)?),
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
