//! Streams: events.

use std::ffi::c_int;

use redis_module::raw;

use super::server_keys::ServerKeys;
use crate::error::{Error, Result};
use crate::keyspace::{EntryId, Type};
use crate::names::Key;
use crate::redis::api::{OK, RawText, Text, call};

/// Appends an entry and trims the oldest when there are too many; returns its id.
pub(super) fn add(
    keys: &mut ServerKeys<'_>,
    key: Key<'_>,
    id: Option<EntryId>,
    fields: &[(&[u8], &[u8])],
    most: usize,
) -> Result<EntryId> {
    let (open, _) = keys.typed(key, Type::Stream)?;
    let texts: Vec<Text> = fields
        .iter()
        .flat_map(|(field, value)| [Text::new(field), Text::new(value)])
        .collect();
    let mut vector: Vec<*mut RawText> = texts.iter().map(Text::raw).collect();
    let (ms, seq) = id.unwrap_or_default();
    let mut entry = raw::RedisModuleStreamID { ms, seq };
    let flags = if id.is_none() {
        raw::REDISMODULE_STREAM_ADD_AUTOID
    } else {
        0
    };
    // SAFETY: a stream, or a missing key, open for writing; pairs of a field and its value, which are copied.
    unsafe {
        let added = call!(RedisModule_StreamAdd(
            open.raw,
            flags as c_int,
            &raw mut entry,
            vector.as_mut_ptr(),
            fields.len() as i64
        ));
        if added != OK {
            return Err(Error::Internal);
        }
        if open.length() > most.saturating_add(most / 10) {
            call!(RedisModule_StreamTrimByLength(
                open.raw,
                0,
                i64::try_from(most).unwrap_or(i64::MAX)
            ));
        }
    }
    drop(texts);
    keys.notify(key, raw::REDISMODULE_NOTIFY_STREAM, c"xadd");
    keys.effect(key, |effects| {
        effects.op(b'I', key).number(entry.ms).number(entry.seq).count(most);
        effects.count(fields.len());
        for (field, value) in fields {
            effects.text(field).text(value);
        }
    });
    Ok((entry.ms, entry.seq))
}

/// The id of the last entry.
pub(super) fn last(keys: &mut ServerKeys<'_>, key: Key<'_>) -> Result<Option<EntryId>> {
    let (open, there) = keys.typed(key, Type::Stream)?;
    if !there {
        return Ok(None);
    }
    let mut entry = raw::RedisModuleStreamID { ms: 0, seq: 0 };
    let mut fields = 0;
    let backwards = raw::REDISMODULE_STREAM_ITERATOR_REVERSE.cast_signed();
    // SAFETY: an open stream without an iterator; the one that is started is stopped before anything else is done.
    let found = unsafe {
        let (first, last) = (std::ptr::null_mut(), std::ptr::null_mut());
        if call!(RedisModule_StreamIteratorStart(open.raw, backwards, first, last)) != OK {
            return Ok(None);
        }
        let found = call!(RedisModule_StreamIteratorNextID(
            open.raw,
            &raw mut entry,
            &raw mut fields
        ));
        call!(RedisModule_StreamIteratorStop(open.raw));
        found
    };
    Ok((found == OK).then_some((entry.ms, entry.seq)))
}
