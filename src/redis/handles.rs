//! Open keys. A unit opens a key once and keeps it open; what it changed is told to WATCH and to
//! client-side caches when the key is closed, at the end of the unit or before a command is called.

use std::collections::HashMap;
use std::ffi::c_int;
use std::rc::Rc;

use redis_module::raw;

use super::api::{Ctx, Text, call};
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Index, Key, Name, Part};

/// Most keys open at once: a claim in one queue needs five, and finding one is a walk over all.
const MOST_OPEN: usize = 16;
/// Most queues whose key names are kept; about 2 KiB each.
const MOST_NAMES: usize = 1_024;

/// The names of the keys of each queue as strings of the server; making one anew costs a tenth of a
/// whole command.
#[derive(Debug, Default)]
pub struct Texts {
    names: HashMap<Name, NameTexts>,
}

#[derive(Debug, Default)]
struct NameTexts {
    texts: [Option<Rc<Text>>; 17],
    task: Vec<u8>,
    extra: Vec<u8>,
}

impl Texts {
    /// The key's name.
    fn of(&mut self, key: Key<'_>, scratch: &mut Vec<u8>) -> Rc<Text> {
        if !self.names.contains_key(key.name) {
            if self.names.len() >= MOST_NAMES {
                self.names.clear();
            }
            self.names.insert(
                key.name.clone(),
                NameTexts {
                    texts: [const { None }; 17],
                    task: key.name.task(&[]).to_vec(),
                    extra: key.name.extra(&[]).to_vec(),
                },
            );
        }
        let known = self.names.get_mut(key.name);
        let (prefix, id) = match (key.part, &known) {
            (Part::Task(id), Some(known)) => (known.task.as_slice(), id),
            (Part::Extra(id), Some(known)) => (known.extra.as_slice(), id),
            (part, _) => {
                let slot = slot(part).and_then(|slot| known.and_then(|known| known.texts.get_mut(slot)));
                return match slot {
                    Some(text) => text.get_or_insert_with(|| Rc::new(Text::new(&key.to_vec()))).clone(),
                    None => Rc::new(Text::new(&key.to_vec())),
                };
            }
        };
        scratch.clear();
        scratch.extend_from_slice(prefix);
        scratch.extend_from_slice(id);
        Rc::new(Text::new(scratch))
    }
}

/// Where the name of a key that every queue has once is kept.
fn slot(part: Part<'_>) -> Option<usize> {
    match part {
        Part::Queue => Some(0),
        Part::Workers => Some(1),
        Part::Index(Index::Scheduled) => Some(2),
        Part::Index(Index::Claimed) => Some(3),
        Part::Index(Index::Dead) => Some(4),
        Part::Index(Index::Done) => Some(5),
        Part::Index(Index::Blocked) => Some(6),
        Part::Index(Index::Ready(priority)) => Some(7 + usize::from(priority.min(9))),
        Part::Dropped(..) | Part::Task(_) | Part::Extra(_) => None,
    }
}

/// A key that is open.
#[derive(Debug)]
pub struct Open {
    name: Name,
    part: OwnPart,
    db: i32,
    /// The key's name.
    pub text: Rc<Text>,
    /// The handle; null for a missing key that was opened to be read only.
    pub raw: *mut raw::RedisModuleKey,
    /// Whether the unit changed it.
    pub changed: bool,
}

#[derive(Debug)]
enum OwnPart {
    Fixed(Part<'static>),
    Task(Vec<u8>),
    Extra(Vec<u8>),
}

impl OwnPart {
    fn of(part: Part<'_>) -> OwnPart {
        match part {
            Part::Task(id) => OwnPart::Task(id.to_vec()),
            Part::Extra(id) => OwnPart::Extra(id.to_vec()),
            Part::Queue => OwnPart::Fixed(Part::Queue),
            Part::Workers => OwnPart::Fixed(Part::Workers),
            Part::Index(index) => OwnPart::Fixed(Part::Index(index)),
            Part::Dropped(number, index) => OwnPart::Fixed(Part::Dropped(number, index)),
        }
    }

    fn is(&self, part: Part<'_>) -> bool {
        match (self, part) {
            (OwnPart::Fixed(own), part) => *own == part,
            (OwnPart::Task(own), Part::Task(id)) | (OwnPart::Extra(own), Part::Extra(id)) => own == id,
            _ => false,
        }
    }
}

impl Open {
    /// The type of the value; `None` when there is none.
    pub fn kind(&self) -> Result<Option<Type>, Error> {
        // SAFETY: an open handle, or null, which the server takes as a missing key.
        let kind = unsafe { call!(RedisModule_KeyType(self.raw)) } as isize;
        match kind {
            raw::REDISMODULE_KEYTYPE_EMPTY => Ok(None),
            raw::REDISMODULE_KEYTYPE_STRING => Ok(Some(Type::String)),
            raw::REDISMODULE_KEYTYPE_LIST => Ok(Some(Type::List)),
            raw::REDISMODULE_KEYTYPE_HASH => Ok(Some(Type::Hash)),
            raw::REDISMODULE_KEYTYPE_ZSET => Ok(Some(Type::SortedSet)),
            _ => Err(Error::WrongType),
        }
    }

    /// Whether there is a value; `WrongType` when it is not of this type.
    pub fn expect(&self, of: Type) -> Result<bool, Error> {
        match self.kind()? {
            None => Ok(false),
            Some(kind) if kind == of => Ok(true),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// Number of elements, members, fields or bytes.
    pub fn length(&self) -> usize {
        // SAFETY: as above.
        unsafe { call!(RedisModule_ValueLength(self.raw)) }
    }
}

/// All keys a unit has open.
#[derive(Debug)]
pub struct Handles<'s> {
    /// The context of the unit.
    pub ctx: *mut Ctx,
    mode: c_int,
    db_before: i32,
    db: i32,
    open: Vec<Open>,
    texts: &'s mut Texts,
    scratch: Vec<u8>,
}

impl<'s> Handles<'s> {
    /// No key is open yet. A unit that does not write opens keys for reading only.
    pub fn new(ctx: *mut Ctx, writes: bool, texts: &'s mut Texts) -> Handles<'s> {
        // SAFETY: a context the server lent us.
        let db = unsafe { call!(RedisModule_GetSelectedDb(ctx)) };
        let mode = if writes {
            raw::REDISMODULE_READ | raw::REDISMODULE_WRITE
        } else {
            raw::REDISMODULE_READ
        };
        Handles {
            ctx,
            mode: mode.cast_signed(),
            db_before: db,
            db,
            open: Vec::with_capacity(MOST_OPEN),
            texts,
            scratch: Vec::new(),
        }
    }

    /// Selects a database, if another one is selected.
    pub fn select(&mut self, db: i32) {
        if db != self.db {
            // SAFETY: a context the server lent us; a number out of range is refused and changes nothing.
            unsafe { call!(RedisModule_SelectDb(self.ctx, db)) };
            self.db = db;
        }
    }

    /// The key, open.
    pub fn open(&mut self, key: Key<'_>) -> &mut Open {
        let found = self
            .open
            .iter()
            .rposition(|open| open.part.is(key.part) && open.name == *key.name);
        let at = match found {
            Some(at) => at,
            None => {
                if self.open.len() >= MOST_OPEN {
                    self.close_all();
                }
                self.select(key.name.db);
                let text = self.texts.of(key, &mut self.scratch);
                // SAFETY: the server keeps its own reference to the key's name.
                let raw = unsafe { call!(RedisModule_OpenKey(self.ctx, text.raw(), self.mode)) };
                self.open.push(Open {
                    name: key.name.clone(),
                    part: OwnPart::of(key.part),
                    db: key.name.db,
                    text,
                    raw: raw.cast(),
                    changed: false,
                });
                self.open.len() - 1
            }
        };
        #[allow(clippy::indexing_slicing, reason = "a position just found or pushed")]
        &mut self.open[at]
    }

    /// Closes the key, if it is open. Needed after a list was walked: the server keeps an iterator in the
    /// handle and does not expect the key to be deleted under it.
    pub fn close(&mut self, key: Key<'_>) {
        if let Some(at) = self
            .open
            .iter()
            .position(|open| open.part.is(key.part) && open.name == *key.name)
        {
            let open = self.open.swap_remove(at);
            self.shut(&open);
        }
    }

    /// Closes all keys. Must come before a command is called: it might change them under our hands.
    pub fn close_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.shut(&open);
        }
    }

    fn shut(&mut self, open: &Open) {
        if open.changed {
            self.select(open.db);
        }
        // SAFETY: an open handle (or null), closed once; the key's name outlives the calls.
        unsafe {
            call!(RedisModule_CloseKey(open.raw));
            if open.changed {
                call!(RedisModule_SignalModifiedKey(self.ctx, open.text.raw()));
            }
        }
    }

    /// Tells keyspace notifications what was done to the open key.
    pub fn notify(&mut self, key: Key<'_>, class: c_int, event: &std::ffi::CStr) {
        let ctx = self.ctx;
        let open = self.open(key);
        open.changed = true;
        // SAFETY: plain values and a live key name.
        unsafe {
            call!(RedisModule_NotifyKeyspaceEvent(
                ctx,
                class,
                event.as_ptr(),
                open.text.raw()
            ))
        };
    }

    /// The name of a key, for a command.
    pub fn text(&mut self, key: Key<'_>) -> Rc<Text> {
        self.texts.of(key, &mut self.scratch)
    }
}

impl Drop for Handles<'_> {
    fn drop(&mut self) {
        self.close_all();
        self.select(self.db_before);
    }
}
