//! Caches the names of keys as strings of the server.

use std::cell::OnceCell;
use std::rc::Rc;

use super::api::Text;
use crate::names::{ByName, Id, KEYS, Key, Name, PRIORITIES, Part, Place};

/// Most queues whose key names are cached; about 2 KiB each.
const MOST_NAMES: usize = 1_024;
/// Largest buffer that is kept from transaction to transaction, bytes.
const MOST_SCRATCH: usize = 4_096;
/// Number of keys whose names are cached for each queue or service: those it has once, and the ready lists.
const FIXED: usize = Part::Ready as usize + PRIORITIES as usize;
/// Number of kinds of key whose names end with an id: the rows after the one of the ready lists.
const FAMILIES: usize = KEYS.len() - FIRST_FAMILY;
const FIRST_FAMILY: usize = Part::Ready as usize + 1;

/// The key names of each queue as strings of the server; creating one costs a tenth of a whole command.
#[derive(Debug, Default)]
pub(super) struct Texts {
    names: ByName<Rc<NameTexts>>,
    /// Those of the queue met last.
    recent: Option<Rc<NameTexts>>,
    /// A buffer for building strings.
    pub scratch: Vec<u8>,
    /// A buffer for effects.
    buffer: Vec<u8>,
}

/// The key names of one queue.
#[derive(Debug)]
pub(super) struct NameTexts {
    /// The queue.
    pub name: Name,
    own: OnceCell<Rc<Text>>,
    fixed: [OnceCell<Rc<Text>>; FIXED],
    /// The prefix before the id in the names of each family.
    prefixes: [OnceCell<Vec<u8>>; FAMILIES],
}

impl Texts {
    /// The key names of a queue.
    #[inline]
    pub(super) fn of(&mut self, name: &Name) -> Rc<NameTexts> {
        match &self.recent {
            Some(texts) if texts.name == *name => texts.clone(),
            _ => {
                let texts = self.find(name);
                self.recent.insert(texts).clone()
            }
        }
    }

    /// The buffer for effects, reused from transaction to transaction.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Keeps the buffer for the next effects, unless it has become large.
    pub(super) fn keep_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= MOST_SCRATCH {
            self.buffer = buffer;
        }
    }

    /// A string of these two pieces.
    pub(super) fn joined(&mut self, start: &[u8], rest: &[u8]) -> Text {
        let scratch = &mut self.scratch;
        scratch.clear();
        scratch.extend_from_slice(start);
        scratch.extend_from_slice(rest);
        let text = Text::new(scratch);
        // What it holds counts as needed.
        scratch.clear();
        scratch.shrink_to(MOST_SCRATCH);
        text
    }

    fn find(&mut self, name: &Name) -> Rc<NameTexts> {
        if let Some(texts) = self.names.get(name) {
            return texts.clone();
        }
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        let texts = Rc::new(NameTexts {
            name: name.clone(),
            own: OnceCell::new(),
            fixed: [const { OnceCell::new() }; FIXED],
            prefixes: [const { OnceCell::new() }; FAMILIES],
        });
        self.names.insert(name.clone(), texts.clone());
        texts
    }
}

impl NameTexts {
    /// The name itself.
    pub(super) fn own(&self) -> Rc<Text> {
        let text = || Rc::new(Text::new(self.name.text().as_bytes()));
        self.own.get_or_init(text).clone()
    }
}

/// The name of a key.
#[derive(Debug)]
pub(super) struct KeyText {
    /// The number of its row, see [`row`].
    row: u8,
    /// What distinguishes it from others of the row: the id for one of a family, the whole name for a dropped index.
    id: Id,
    text: Kept,
}

/// The name of a key as a string of the server.
#[derive(Debug)]
pub(super) enum Kept {
    /// Cached, for a key that every queue has once.
    Shared(Rc<Text>),
    /// Created for this transaction.
    Own(Text),
}

impl KeyText {
    /// The name of this key.
    pub(super) fn new(texts: &NameTexts, key: Key<'_>, scratch: &mut Vec<u8>) -> KeyText {
        KeyText {
            row: row(key.place),
            id: match key.place {
                Place::Of(_, id) => Id::from_slice(id),
                Place::Dropped(..) => key.to_vec().into(),
                Place::Once(_) | Place::Ready(_) => Id::new(),
            },
            text: Kept::new(texts, key, scratch),
        }
    }

    /// Whether it is the name of this key, of the same queue.
    #[inline(always)]
    pub(super) fn is(&self, key: Key<'_>) -> bool {
        self.row == row(key.place)
            && match key.place {
                Place::Once(_) | Place::Ready(_) => true,
                Place::Of(_, id) => self.id.as_slice() == id,
                Place::Dropped(..) => self.id.as_slice() == key.to_vec(),
            }
    }

    /// The string of the server.
    pub(super) fn text(&self) -> &Text {
        self.text.text()
    }
}

impl Kept {
    /// The name of this key.
    #[inline]
    pub(super) fn new(texts: &NameTexts, key: Key<'_>, scratch: &mut Vec<u8>) -> Kept {
        if let Place::Of(part, id) = key.place
            && let Some(prefix) = family(part).and_then(|family| texts.prefixes.get(family))
        {
            scratch.clear();
            scratch.extend_from_slice(prefix.get_or_init(|| key.name.per_id(part, &[]).to_vec()));
            scratch.extend_from_slice(id);
            return Kept::Own(Text::new(scratch));
        }
        let text = || Text::new(&key.to_vec());
        match texts.fixed.get(usize::from(row(key.place))) {
            Some(kept) => Kept::Shared(kept.get_or_init(|| Rc::new(text())).clone()),
            None => Kept::Own(text()),
        }
    }

    /// The string of the server.
    pub(super) fn text(&self) -> &Text {
        match self {
            Kept::Shared(text) => text,
            Kept::Own(text) => text,
        }
    }
}

/// The family of keys of this kind, if a queue has many of them.
fn family(part: Part) -> Option<usize> {
    (part as usize).checked_sub(FIRST_FAMILY)
}

/// A number for each key that a queue has once, starting at 0, and for each family.
#[inline(always)]
fn row(place: Place<'_>) -> u8 {
    match place {
        Place::Once(part) => part as u8,
        Place::Ready(priority) => Part::Ready as u8 + priority.min(PRIORITIES - 1),
        Place::Of(part, _) => PRIORITIES + part as u8,
        Place::Dropped(..) => u8::MAX,
    }
}
