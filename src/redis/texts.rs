//! Caches the names of keys as strings of the server.

use std::cell::OnceCell;
use std::rc::Rc;

use super::api::Text;
use crate::names::{ByName, Id, KEYS, Key, Name, PRIORITIES, Part, Place};

/// Most queues whose key names are cached; about 2 KiB each.
const MOST_NAMES: usize = 1_024;
/// Largest buffer that is kept from transaction to transaction, bytes.
pub(super) const MOST_SCRATCH: usize = 4_096;
/// Number of keys whose names are cached for each queue or service: those it has once, and the ready lists.
pub(super) const FIXED: usize = Part::Ready as usize + PRIORITIES as usize;
/// Number of kinds of key whose names end with an id: the rows after the one of the ready lists.
const FAMILIES: usize = KEYS.len() - FIRST_FAMILY;
const FIRST_FAMILY: usize = Part::Ready as usize + 1;

/// The key names of each queue as strings of the server; creating one costs a tenth of a whole command.
#[derive(Debug, Default)]
pub(super) struct Texts {
    names: ByName<Rc<NameTexts>>,
    /// A buffer for building strings.
    pub scratch: Vec<u8>,
    /// A buffer for effects.
    pub buffer: Vec<u8>,
}

/// The key names of one queue.
#[derive(Debug)]
pub(super) struct NameTexts {
    /// The queue.
    pub name: Name,
    fixed: [OnceCell<Rc<Text>>; FIXED],
    /// The prefix before the id in the names of each family.
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

/// The name of a key: cached for those that every queue has once, created for the others.
#[derive(Debug)]
pub(super) enum KeyText {
    /// A cached one, and its place.
    Fixed(usize, Rc<Text>),
    /// One of a family, its id and the whole name.
    Many(usize, Id, Text),
    /// Any other.
    Other(Text),
}

impl KeyText {
    /// The name of this key.
    pub(super) fn new(texts: &NameTexts, key: Key<'_>, scratch: &mut Vec<u8>) -> KeyText {
        let member = family(key.place).and_then(|(family, id)| Some((family, id, texts.prefixes.get(family)?)));
        if let Some((family, id, prefix)) = member {
            scratch.clear();
            scratch.extend_from_slice(prefix);
            scratch.extend_from_slice(id);
            return KeyText::Many(family, Id::from_slice(id), Text::new(scratch));
        }
        match slot(key.place).and_then(|slot| Some((slot, texts.fixed.get(slot)?))) {
            Some((slot, text)) => KeyText::Fixed(slot, text.get_or_init(|| Rc::new(Text::new(&key.to_vec()))).clone()),
            None => KeyText::Other(Text::new(&key.to_vec())),
        }
    }

    /// Whether it is the name of this key, of the same queue.
    pub(super) fn is(&self, key: Key<'_>) -> bool {
        match self {
            KeyText::Fixed(own, _) => slot(key.place) == Some(*own),
            KeyText::Many(own, id, _) => family(key.place) == Some((*own, id.as_slice())),
            KeyText::Other(text) => matches!(key.place, Place::Dropped(..)) && text.bytes() == key.to_vec(),
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

/// The family of a key that a queue has many of, and the id after the family's prefix.
fn family(place: Place<'_>) -> Option<(usize, &[u8])> {
    match place {
        Place::Of(part, id) => Some(((part as usize).checked_sub(FIRST_FAMILY)?, id)),
        Place::Once(_) | Place::Ready(_) | Place::Dropped(..) => None,
    }
}

/// The place of the cached name of a key that every queue has once.
pub(super) fn slot(place: Place<'_>) -> Option<usize> {
    match place {
        Place::Once(part) => Some(part as usize),
        Place::Ready(priority) => Some(Part::Ready as usize + usize::from(priority.min(PRIORITIES - 1))),
        Place::Of(..) | Place::Dropped(..) => None,
    }
}
