//! The names of keys as strings of the server.

use std::cell::OnceCell;
use std::rc::Rc;

use super::api::Text;
use crate::names::{ByName, Id, Index, Key, Name, Part};

/// Most queues whose key names are kept; about 2 KiB each.
const MOST_NAMES: usize = 1_024;
/// Bytes of room to build strings in that are kept from transaction to transaction.
pub(super) const MOST_SCRATCH: usize = 4_096;
/// Number of keys that every queue or service has once.
pub(super) const FIXED: usize = 29;
/// Number of families of keys that differ only in the id at their end.
const FAMILIES: usize = 5;

/// The names of the keys of each queue as strings of the server; making one anew costs a tenth of a
/// whole command.
#[derive(Debug, Default)]
pub(super) struct Texts {
    names: ByName<Rc<NameTexts>>,
    /// Room to build a string in.
    pub scratch: Vec<u8>,
    /// Room to write a record in.
    pub buffer: Vec<u8>,
}

/// The key names of one queue.
#[derive(Debug)]
pub(super) struct NameTexts {
    /// The queue.
    pub name: Name,
    fixed: [OnceCell<Rc<Text>>; FIXED],
    /// What stands before the id in the names of each family.
    prefixes: [Vec<u8>; FAMILIES],
}

impl Texts {
    /// The key names of a queue.
    pub(super) fn of(&mut self, name: &Name) -> Rc<NameTexts> {
        if let Some(texts) = self.names.get(name) {
            return texts.clone();
        }
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        let texts = Rc::new(NameTexts {
            name: name.clone(),
            fixed: [const { OnceCell::new() }; FIXED],
            prefixes: [
                name.task(&[]),
                name.extra(&[]),
                name.group(""),
                name.after(&[]),
                name.to(""),
            ]
            .map(|key| key.to_vec()),
        });
        self.names.insert(name.clone(), texts.clone());
        texts
    }
}

/// The name of a key: kept for those that every queue has once, made anew for the others.
#[derive(Debug)]
pub(super) enum KeyText {
    /// One that is kept, and its place there.
    Fixed(usize, Rc<Text>),
    /// One of a family, its id and the whole name.
    Many(usize, Id, Text),
    /// Any other.
    Other(Text),
}

impl KeyText {
    /// The name of this key.
    pub(super) fn new(texts: &NameTexts, key: Key<'_>, scratch: &mut Vec<u8>) -> KeyText {
        let member = family(key.part).and_then(|(family, id)| Some((family, id, texts.prefixes.get(family)?)));
        if let Some((family, id, prefix)) = member {
            scratch.clear();
            scratch.extend_from_slice(prefix);
            scratch.extend_from_slice(id);
            return KeyText::Many(family, Id::from_slice(id), Text::new(scratch));
        }
        match slot(key.part).and_then(|slot| Some((slot, texts.fixed.get(slot)?))) {
            Some((slot, text)) => KeyText::Fixed(slot, text.get_or_init(|| Rc::new(Text::new(&key.to_vec()))).clone()),
            None => KeyText::Other(Text::new(&key.to_vec())),
        }
    }

    /// Whether it is the name of this part of its queue.
    pub(super) fn is(&self, part: Part<'_>, key: Key<'_>) -> bool {
        match (self, part) {
            (KeyText::Fixed(own, _), part) => slot(part) == Some(*own),
            (KeyText::Many(own, id, _), part) => family(part) == Some((*own, id.as_slice())),
            (KeyText::Other(text), Part::Dropped(..)) => text.bytes() == key.to_vec(),
            _ => false,
        }
    }

    /// The string of the server.
    pub(super) fn text(&self) -> &Text {
        match self {
            KeyText::Fixed(_, text) => text,
            KeyText::Many(_, _, text) | KeyText::Other(text) => text,
        }
    }
}

/// The family of a key of which a queue has many, and the id behind the family's prefix.
fn family(part: Part<'_>) -> Option<(usize, &[u8])> {
    match part {
        Part::Task(id) => Some((0, id)),
        Part::Extra(id) => Some((1, id)),
        Part::Group(group) => Some((2, group)),
        Part::After(id) => Some((3, id)),
        Part::To(worker) => Some((4, worker)),
        _ => None,
    }
}

/// Where the name of a key that every queue has once is kept.
pub(super) fn slot(part: Part<'_>) -> Option<usize> {
    match part {
        Part::Queue => Some(0),
        Part::Workers => Some(1),
        Part::Index(Index::Scheduled) => Some(2),
        Part::Index(Index::Claimed) => Some(3),
        Part::Index(Index::Dead) => Some(4),
        Part::Index(Index::Done) => Some(5),
        Part::Index(Index::Blocked) => Some(6),
        Part::Index(Index::Ready(priority)) => Some(7 + usize::from(priority.min(9))),
        Part::Service => Some(17),
        Part::Members => Some(18),
        Part::Candidates => Some(19),
        Part::Events => Some(20),
        Part::Expiring => Some(21),
        Part::Unique => Some(22),
        Part::UniqueUntil => Some(23),
        Part::Repeats => Some(24),
        Part::RepeatDue => Some(25),
        Part::RepeatPayloads => Some(26),
        Part::TaskEvents => Some(27),
        Part::Index(Index::Targeted) => Some(28),
        Part::Dropped(..) | Part::Task(_) | Part::Extra(_) | Part::Group(_) | Part::After(_) | Part::To(_) => None,
    }
}
