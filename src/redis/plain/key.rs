//! The keys of one plain step.

use std::ffi::c_int;

use redis_module::raw;

use crate::redis::api::{Ctx, call, slice_of};
use crate::redis::texts::Kept;

/// A key that is open for writing until this is dropped.
#[derive(Debug)]
pub(super) struct Open {
    ctx: *mut Ctx,
    text: Kept,
    pub raw: *mut raw::RedisModuleKey,
    /// Whether it was changed: whoever watches it is told then.
    pub changed: bool,
}

impl Open {
    /// Opens the key of this name.
    #[inline]
    pub(super) fn new(ctx: *mut Ctx, text: Kept) -> Open {
        let mode = (raw::REDISMODULE_READ | raw::REDISMODULE_WRITE).cast_signed();
        // SAFETY: a context the server lent us; the server keeps its own reference to the key's name.
        let raw = unsafe { call!(RedisModule_OpenKey(ctx, text.text().raw(), mode)) };
        Open {
            ctx,
            text,
            raw: raw.cast(),
            changed: false,
        }
    }

    fn kind(&self) -> isize {
        // SAFETY: an open key.
        unsafe { call!(RedisModule_KeyType(self.raw)) as isize }
    }

    /// Number of its elements.
    pub(super) fn length(&self) -> usize {
        // SAFETY: an open key.
        unsafe { call!(RedisModule_ValueLength(self.raw)) }
    }

    /// Whether there is no value.
    pub(super) fn is_missing(&self) -> bool {
        self.kind() == raw::REDISMODULE_KEYTYPE_EMPTY
    }

    /// The key, if its value is of this type.
    pub(super) fn holding(self, kind: isize) -> Option<Open> {
        (self.kind() == kind).then_some(self)
    }

    /// The key, if it has no value or one of this type.
    pub(super) fn for_a(self, kind: isize) -> Option<Open> {
        let found = self.kind();
        (found == kind || found == raw::REDISMODULE_KEYTYPE_EMPTY).then_some(self)
    }

    /// The bytes of its string, until it is used otherwise.
    pub(super) fn bytes(&self) -> &[u8] {
        let mut length = 0;
        // SAFETY: an open string, which the borrow keeps from being changed.
        unsafe {
            let start = call!(RedisModule_StringDMA(
                self.raw,
                &raw mut length,
                raw::REDISMODULE_READ as c_int
            ));
            slice_of(start, length)
        }
    }

    /// The bytes of its string to write to. The server makes a copy of its own first, if others use them.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.changed = true;
        let mut length = 0;
        // SAFETY: as above, for writing.
        unsafe {
            let start = call!(RedisModule_StringDMA(
                self.raw,
                &raw mut length,
                raw::REDISMODULE_WRITE as c_int
            ));
            if start.is_null() {
                return &mut [];
            }
            std::slice::from_raw_parts_mut(start.cast(), length)
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: an open key, closed once; its name is alive.
        unsafe {
            call!(RedisModule_CloseKey(self.raw));
            if self.changed {
                call!(RedisModule_SignalModifiedKey(self.ctx, self.text.text().raw()));
            }
        }
    }
}
