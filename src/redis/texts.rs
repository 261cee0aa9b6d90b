//! The names of keys as strings of the server.

use std::cell::OnceCell;
use std::rc::Rc;

use super::api::Text;
use crate::names::{ByName, Id, KEYS, Key, Name, PRIORITIES, Part, Place};

/// Most queues whose key names are kept; about 2 KiB each.
const MOST_NAMES: usize = 1_024;
/// Bytes of room to build strings in that are kept from transaction to transaction.
pub(super) const MOST_SCRATCH: usize = 4_096;
/// Number of keys whose names are kept for each queue or service: those it has once, and the ready lists.
const FIXED: usize = Part::Ready as usize + PRIORITIES as usize;
/// Number of kinds of key whose names differ only in the id at their end: the rows behind that of the ready lists.
const FAMILIES: usize = KEYS.len() - FIRST_FAMILY;
const FIRST_FAMILY: usize = Part::Ready as usize + 1;

/// The names of the keys of each queue as strings of the server; making one anew costs a tenth of a
/// whole command.
#[derive(Debug, Default)]
pub(super) struct Texts {
    names: ByName<Rc<NameTexts>>,
    /// Room to build a string in.
    pub scratch: Vec<u8>,
    /// Room to write effects in.
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
            prefixes: std::array::from_fn(|family| {
                let kind = KEYS.get(FIRST_FAMILY + family);
                kind.map_or(Vec::new(), |kind| name.per_id(kind.part, &[]).to_vec())
            }),
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
    Many(Part, Id, Text),
    /// Any other.
    Other(Text),
}

impl KeyText {
    /// The name of this key.
    pub(super) fn new(texts: &NameTexts, key: Key<'_>, scratch: &mut Vec<u8>) -> KeyText {
        if let Place::Of(part, id) = key.place
            && let Some(prefix) = family(part).and_then(|family| texts.prefixes.get(family))
        {
            scratch.clear();
            scratch.extend_from_slice(prefix);
            scratch.extend_from_slice(id);
            return KeyText::Many(part, Id::from_slice(id), Text::new(scratch));
        }
        match slot(key.place).and_then(|slot| Some((slot, texts.fixed.get(slot)?))) {
            Some((slot, text)) => KeyText::Fixed(slot, text.get_or_init(|| Rc::new(Text::new(&key.to_vec()))).clone()),
            None => KeyText::Other(Text::new(&key.to_vec())),
        }
    }

    /// Whether it is the name of this key, of the same queue.
    #[inline]
    pub(super) fn is(&self, key: Key<'_>) -> bool {
        match (self, key.place) {
            (KeyText::Fixed(own, _), place) => slot(place) == Some(*own),
            (KeyText::Many(own, id, _), Place::Of(part, wanted)) => *own == part && id.as_slice() == wanted,
            (KeyText::Other(text), Place::Dropped(..)) => text.bytes() == key.to_vec(),
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

/// Which family these keys are, if a queue has many of them.
fn family(part: Part) -> Option<usize> {
    (part as usize).checked_sub(FIRST_FAMILY)
}

/// Where the name of a key that every queue has once is kept.
fn slot(place: Place<'_>) -> Option<usize> {
    match place {
        Place::Once(part) => Some(part as usize),
        Place::Ready(priority) => Some(Part::Ready as usize + usize::from(priority.min(PRIORITIES - 1))),
        Place::Of(..) | Place::Dropped(..) => None,
    }
}
