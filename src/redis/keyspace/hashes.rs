//! Hashes: settings of queues, names of workers, options of tasks.

use std::ffi::c_int;
use std::ptr;

use redis_module::raw;

use super::server_keys::ServerKeys;
use crate::error::Result;
use crate::keyspace::{Fields, Type};
use crate::names::Key;
use crate::redis::api::{RawText, Text, call};
use crate::redis::handles::Open;

/// Value of a field.
pub(super) fn get(keys: &mut ServerKeys<'_>, key: Key<'_>, field: &[u8]) -> Result<Option<Vec<u8>>> {
    let (open, there) = keys.typed(key, Type::Hash)?;
    if !there {
        return Ok(None);
    }
    let field = Text::new(field);
    let mut value: *mut raw::RedisModuleString = ptr::null_mut();
    // SAFETY: pairs of a field and where to put its value, ended by a null pointer; the value is ours.
    let value = unsafe {
        call!(RedisModule_HashGet(
            open.raw,
            raw::REDISMODULE_HASH_NONE.cast_signed(),
            field.raw(),
            &raw mut value,
            ptr::null_mut::<raw::RedisModuleString>()
        ));
        Text::take(value)
    };
    Ok(value.map(|value| value.bytes().to_vec()))
}

/// All fields with their values.
pub(super) fn get_all(keys: &mut ServerKeys<'_>, key: Key<'_>) -> Result<Fields> {
    if !keys.typed(key, Type::Hash)?.1 {
        return Ok(Vec::new());
    }
    Ok(pairs(keys.command(c"HGETALL", key, &[]).strings().into_iter()))
}

/// Fields that one step of a scan visits.
const SCANNED: &[u8] = b"100";

/// Some fields with their values, and the next cursor.
pub(super) fn scan(keys: &mut ServerKeys<'_>, key: Key<'_>, cursor: u64) -> Result<(u64, Fields)> {
    if !keys.typed(key, Type::Hash)?.1 {
        return Ok((0, Vec::new()));
    }
    let cursor = cursor.to_string();
    let mut found = keys
        .command(c"HSCAN", key, &[cursor.as_bytes(), b"COUNT", SCANNED])
        .strings()
        .into_iter();
    let next = found.next().and_then(|next| String::from_utf8(next).ok()?.parse().ok());
    Ok((next.unwrap_or(0), pairs(found)))
}

fn pairs(mut found: impl Iterator<Item = Vec<u8>>) -> Fields {
    let mut fields = Vec::new();
    while let (Some(field), Some(value)) = (found.next(), found.next()) {
        fields.push((field, value));
    }
    fields
}

/// Sets the fields.
pub(super) fn set(keys: &mut ServerKeys<'_>, key: Key<'_>, fields: &[(&[u8], &[u8])]) -> Result<()> {
    let (open, _) = keys.typed(key, Type::Hash)?;
    if fields.is_empty() {
        return Ok(());
    }
    for (field, value) in fields {
        let value = Text::new(value);
        set_field(open, field, value.raw());
    }
    keys.handles.notify(key, raw::REDISMODULE_NOTIFY_HASH, c"hset");
    keys.effect(key, |effects| {
        effects.op(b'A', key).count(fields.len());
        for (field, value) in fields {
            effects.text(field).text(value);
        }
    });
    Ok(())
}

/// Removes the fields.
pub(super) fn remove(keys: &mut ServerKeys<'_>, key: Key<'_>, fields: &[&[u8]]) -> Result<()> {
    let (open, there) = keys.typed(key, Type::Hash)?;
    if !there {
        return Ok(());
    }
    let mut gone = false;
    for field in fields {
        // Deleting from a missing key would create it.
        if open.kind()?.is_some() {
            gone |= set_field(open, field, raw::REDISMODULE_HASH_DELETE.cast_mut()) > 0;
        }
    }
    if gone {
        keys.notify(key, raw::REDISMODULE_NOTIFY_HASH, c"hdel");
        keys.effect(key, |effects| {
            effects.op(b'B', key).list(fields);
        });
    }
    Ok(())
}

/// Sets a field of an open hash, or removes it when `value` is the server's mark for that; the number of changed
/// fields.
fn set_field(open: &Open, field: &[u8], value: *mut RawText) -> c_int {
    let field = Text::new(field);
    // SAFETY: pairs of field and value, ended by a null pointer; the server copies both.
    unsafe {
        call!(RedisModule_HashSet(
            open.raw,
            raw::REDISMODULE_HASH_NONE.cast_signed(),
            field.raw(),
            value,
            ptr::null_mut::<RawText>()
        ))
    }
}
