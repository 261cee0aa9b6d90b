//! Open keys. A transaction opens a key once and keeps it open; WATCH and client-side caches are notified when the key
//! is closed, at the end of the transaction or before a command is called.

use std::ffi::c_int;
use std::rc::Rc;

use redis_module::raw;
use smallvec::SmallVec;

use super::api::{Ctx, Text, call};
use super::texts::{FIXED, KeyText, MOST_SCRATCH, NameTexts, Texts, slot};
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::Key;

/// Most keys open at once: a claim in one queue needs five, and finding one is a linear search.
const MOST_OPEN: usize = 16;

/// An open key.
#[derive(Debug)]
pub(super) struct Open {
    texts: Rc<NameTexts>,
    /// The key's name.
    pub text: KeyText,
    /// The handle; null for a missing key that was opened read-only.
    pub raw: *mut raw::RedisModuleKey,
    /// Whether the transaction changed it.
    pub changed: bool,
}

impl Open {
    /// The type of the value; `None` when there is none.
    pub(super) fn kind(&self) -> Result<Option<Type>, Error> {
        // SAFETY: an open handle, or null, which the server takes as a missing key.
        let kind = unsafe { call!(RedisModule_KeyType(self.raw)) } as isize;
        match kind {
            raw::REDISMODULE_KEYTYPE_EMPTY => Ok(None),
            raw::REDISMODULE_KEYTYPE_STRING => Ok(Some(Type::String)),
            raw::REDISMODULE_KEYTYPE_LIST => Ok(Some(Type::List)),
            raw::REDISMODULE_KEYTYPE_HASH => Ok(Some(Type::Hash)),
            raw::REDISMODULE_KEYTYPE_ZSET => Ok(Some(Type::SortedSet)),
            raw::REDISMODULE_KEYTYPE_STREAM => Ok(Some(Type::Stream)),
            _ => Err(Error::WrongType),
        }
    }

    /// Whether there is a value. Errors with `WrongType` unless it is of this type.
    pub(super) fn ensure(&self, of: Type) -> Result<bool, Error> {
        match self.kind()? {
            None => Ok(false),
            Some(kind) if kind == of => Ok(true),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// Number of elements, members, fields or bytes.
    pub(super) fn length(&self) -> usize {
        // SAFETY: as above.
        unsafe { call!(RedisModule_ValueLength(self.raw)) }
    }
}

/// All keys a transaction has open.
#[derive(Debug)]
pub(super) struct Handles<'s> {
    /// The context of the transaction.
    pub ctx: *mut Ctx,
    mode: c_int,
    db_before: i32,
    db: i32,
    open: SmallVec<[Open; 8]>,
    /// Position of the key used last: successive verbs often use the same key.
    recent: usize,
    /// Where each key that a queue has once was last found; a hint.
    places: [u8; FIXED],
    texts: &'s mut Texts,
    /// The queue whose keys were opened last: nearly always the only one.
    last: Option<Rc<NameTexts>>,
    /// Whether keyspace notifications have other listeners than us.
    observed: bool,
}

impl<'s> Handles<'s> {
    /// Without open keys. A transaction that does not write opens keys read-only.
    pub(super) fn new(ctx: *mut Ctx, writes: bool, observed: bool, texts: &'s mut Texts) -> Handles<'s> {
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
            open: SmallVec::new(),
            recent: 0,
            places: [0; FIXED],
            texts,
            last: None,
            observed,
        }
    }

    /// Selects a database, if another one is selected.
    pub(super) fn select(&mut self, db: i32) {
        if db != self.db {
            // SAFETY: a context the server lent us; a number out of range is refused.
            unsafe { call!(RedisModule_SelectDb(self.ctx, db)) };
            self.db = db;
        }
    }

    /// The key, open.
    pub(super) fn open(&mut self, key: Key<'_>) -> &mut Open {
        let at = match self.find(key) {
            Some(at) => at,
            None => {
                if self.open.len() >= MOST_OPEN {
                    self.close_all();
                }
                self.select(key.name.db);
                let (texts, text) = self.name(key);
                // SAFETY: the server keeps its own reference to the key's name.
                let raw = unsafe { call!(RedisModule_OpenKey(self.ctx, text.text().raw(), self.mode)) };
                self.open.push(Open {
                    texts,
                    text,
                    raw: raw.cast(),
                    changed: false,
                });
                self.open.len() - 1
            }
        };
        self.recent = at;
        if let Some(place) = slot(key.place).and_then(|slot| self.places.get_mut(slot)) {
            *place = u8::try_from(at).unwrap_or(0);
        }
        #[allow(clippy::indexing_slicing, reason = "a position just found or pushed")]
        &mut self.open[at]
    }

    /// Closes the key, if it is open. Needed after a list was walked: the server keeps an iterator in the
    /// handle and does not expect the key to be deleted under it.
    pub(super) fn close(&mut self, key: Key<'_>) {
        if let Some(at) = self.find(key) {
            let open = self.open.swap_remove(at);
            self.shut(&open);
        }
    }

    /// Closes the key used last, unless it was changed.
    pub(super) fn close_unchanged(&mut self, key: Key<'_>) {
        if self.open.last().is_some_and(|open| !open.changed) && self.find(key) == Some(self.open.len() - 1) {
            self.close(key);
        }
    }

    /// Closes all keys. Required before a command is called, because it might change them.
    pub(super) fn close_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.shut(&open);
        }
    }

    fn find(&self, key: Key<'_>) -> Option<usize> {
        let is = |open: &Open| open.text.is(key) && open.texts.name == *key.name;
        if self.open.get(self.recent).is_some_and(is) {
            return Some(self.recent);
        }
        let place = slot(key.place)
            .and_then(|slot| self.places.get(slot))
            .map(|place| usize::from(*place));
        if let Some(place) = place
            && self.open.get(place).is_some_and(is)
        {
            return Some(place);
        }
        self.open.iter().rposition(is)
    }

    fn shut(&mut self, open: &Open) {
        if open.changed {
            self.select(open.texts.name.db);
        }
        // SAFETY: an open handle (or null), closed once; the key's name outlives the calls.
        unsafe {
            call!(RedisModule_CloseKey(open.raw));
            if open.changed {
                call!(RedisModule_SignalModifiedKey(self.ctx, open.text.text().raw()));
            }
        }
    }

    /// Marks the key as changed, and sends the keyspace notification.
    pub(super) fn notify(&mut self, key: Key<'_>, class: c_int, event: &std::ffi::CStr) {
        let (ctx, observed) = (self.ctx, self.observed);
        let open = self.open(key);
        open.changed = true;
        if observed {
            // SAFETY: plain values and a live key name.
            unsafe {
                call!(RedisModule_NotifyKeyspaceEvent(
                    ctx,
                    class,
                    event.as_ptr(),
                    open.text.text().raw()
                ))
            };
        }
    }

    /// Whether keyspace notifications have other listeners than us.
    pub(super) fn observed(&self) -> bool {
        self.observed
    }

    /// The buffer for effects, reused from transaction to transaction.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.texts.buffer)
    }

    /// Keeps the buffer for the next effects, unless it has become large.
    pub(super) fn keep_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= MOST_SCRATCH {
            self.texts.buffer = buffer;
        }
    }

    /// A string of these two pieces.
    pub(super) fn joined(&mut self, start: &[u8], rest: &[u8]) -> Text {
        let scratch = &mut self.texts.scratch;
        scratch.clear();
        scratch.extend_from_slice(start);
        scratch.extend_from_slice(rest);
        let text = Text::new(scratch);
        scratch.shrink_to(MOST_SCRATCH);
        text
    }

    /// The name of a key, for a command.
    pub(super) fn text(&mut self, key: Key<'_>) -> KeyText {
        self.name(key).1
    }

    fn name(&mut self, key: Key<'_>) -> (Rc<NameTexts>, KeyText) {
        let texts = match &self.last {
            Some(last) if last.name == *key.name => last.clone(),
            _ => {
                let texts = self.texts.of(key.name);
                self.last = Some(texts.clone());
                texts
            }
        };
        let text = KeyText::new(&texts, key, &mut self.texts.scratch);
        (texts, text)
    }
}

impl Drop for Handles<'_> {
    fn drop(&mut self) {
        self.close_all();
        self.select(self.db_before);
    }
}
