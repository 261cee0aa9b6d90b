//! Strings: the records of tasks.

use std::ptr;

use redis_module::raw;

use super::server_keys::ServerKeys;
use crate::error::{Error, Result};
use crate::keyspace::{Start, Type};
use crate::names::Key;
use crate::redis::api::{call, slice_of};

/// A copy of the string's bytes, of `length` at most.
pub(super) fn get<B>(
    keys: &mut ServerKeys<'_>,
    key: Key<'_>,
    length: usize,
    copy: fn(&[u8]) -> B,
) -> Result<Option<B>> {
    let (open, there) = keys.typed(key, Type::String)?;
    if !there {
        return Ok(None);
    }
    let mut size = 0;
    // SAFETY: an open string; the bytes are copied before the key is used otherwise.
    let bytes = unsafe {
        let start = call!(RedisModule_StringDMA(
            open.raw,
            &raw mut size,
            raw::REDISMODULE_READ.cast_signed()
        ));
        slice_of(start, size)
    };
    Ok(bytes.get(..length.min(size)).map(copy))
}

/// A copy of the string's first bytes, without keeping the key open: batches read many keys once.
pub(super) fn peek(keys: &mut ServerKeys<'_>, key: Key<'_>, length: usize) -> Result<Option<Start>> {
    let start = get(keys, key, length, Start::from_slice);
    keys.handles.close_unchanged(key);
    start
}

/// Sets the string to `start` followed by `rest`.
pub(super) fn set(keys: &mut ServerKeys<'_>, key: Key<'_>, start: &[u8], rest: &[u8]) -> Result<()> {
    let value = keys.handles.texts.joined(start, rest);
    let (open, _) = keys.typed(key, Type::String)?;
    // SAFETY: a string, or a missing key, open for writing; the server shares the value.
    unsafe { call!(RedisModule_StringSet(open.raw, value.raw())) };
    drop(value);
    keys.handles.notify(key, raw::REDISMODULE_NOTIFY_STRING, c"set");
    keys.effect(key, |effects| effects.set(key, start, rest));
    Ok(())
}

/// Replaces the first bytes of a string, in place.
pub(super) fn set_start(keys: &mut ServerKeys<'_>, key: Key<'_>, start: &[u8]) -> Result<()> {
    let (open, there) = keys.typed(key, Type::String)?;
    if !there {
        return Ok(());
    }
    let mut size = 0;
    // SAFETY: a string open for writing. The server gives us an unshared copy to write to, which is long enough; the
    // key is not used otherwise meanwhile.
    let before = unsafe {
        if open.length() < start.len() {
            call!(RedisModule_StringTruncate(open.raw, start.len()));
        }
        let to = call!(RedisModule_StringDMA(
            open.raw,
            &raw mut size,
            raw::REDISMODULE_WRITE.cast_signed()
        ));
        if to.is_null() || size < start.len() {
            return Err(Error::Internal);
        }
        let before = Start::from_slice(slice_of(to, start.len()));
        ptr::copy_nonoverlapping(start.as_ptr(), to.cast::<u8>(), start.len());
        before
    };
    keys.handles.notify(key, raw::REDISMODULE_NOTIFY_STRING, c"setrange");
    keys.effect(key, |effects| effects.patch(key, &before, start));
    Ok(())
}
