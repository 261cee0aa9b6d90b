//! Open keys. A transaction opens a key once and keeps it open; WATCH and client-side caches are notified when the key
//! is closed, at the end of the transaction or before a command is called.

use std::ffi::c_int;
use std::rc::Rc;

use redis_module::raw;

use super::api::{Ctx, call};
use super::databases;
use super::texts::{KeyText, NameTexts, Texts};
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Key, Place};

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
    /// Whether it is this key.
    #[inline(always)]
    fn is(&self, key: Key<'_>) -> bool {
        self.text.is(key) && self.texts.name == *key.name
    }

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
    open: &'s mut Vec<Open>,
    /// Position of the key used last: successive verbs often use the same key.
    recent: usize,
    /// The names of keys, and buffers.
    pub texts: &'s mut Texts,
    /// Whether keyspace notifications have other listeners than us.
    observed: bool,
}

impl<'s> Handles<'s> {
    /// Without open keys; `open` is an empty vector whose memory is reused. A transaction that does not write opens keys
    /// read-only.
    pub(super) fn new(
        ctx: *mut Ctx,
        writes: bool,
        observed: bool,
        texts: &'s mut Texts,
        open: &'s mut Vec<Open>,
    ) -> Handles<'s> {
        // SAFETY: a context the server lent us.
        let db = databases::id(unsafe { call!(RedisModule_GetSelectedDb(ctx)) });
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
            open,
            recent: 0,
            texts,
            observed,
        }
    }

    /// Selects the database of this id, if another one is selected.
    pub(super) fn select(&mut self, db: i32) {
        if db != self.db
            && let Some(number) = databases::number(db)
        {
            // SAFETY: a context the server lent us; a number out of range is refused.
            unsafe { call!(RedisModule_SelectDb(self.ctx, number)) };
            self.db = db;
        }
    }

    /// The key, open.
    #[inline]
    pub(super) fn open(&mut self, key: Key<'_>) -> &mut Open {
        if !self.open.get(self.recent).is_some_and(|open| open.is(key)) {
            self.recent = self.find(key).unwrap_or_else(|| self.open_anew(key));
        }
        #[allow(clippy::indexing_slicing, reason = "a position just found or pushed")]
        &mut self.open[self.recent]
    }

    /// Opens a key that is not open; its position.
    #[inline(never)]
    fn open_anew(&mut self, key: Key<'_>) -> usize {
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
        let mut open = self.open.iter();
        match key.place {
            // The key of a task is mostly the last one.
            Place::Of(..) => open.rposition(|open| open.is(key)),
            _ => open.position(|open| open.is(key)),
        }
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

    /// Marks the key, which must be the one opened last, as changed, and sends the keyspace notification.
    pub(super) fn notify(&mut self, key: Key<'_>, class: c_int, event: &std::ffi::CStr) {
        let (ctx, observed) = (self.ctx, self.observed);
        let Some(open) = self.open.get_mut(self.recent) else {
            return;
        };
        debug_assert!(open.is(key), "another key was opened since");
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

    /// The name of a key, for a command.
    pub(super) fn text(&mut self, key: Key<'_>) -> KeyText {
        self.name(key).1
    }

    fn name(&mut self, key: Key<'_>) -> (Rc<NameTexts>, KeyText) {
        let texts = self.texts.of(key.name);
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
