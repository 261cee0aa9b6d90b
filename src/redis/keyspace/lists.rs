//! Lists: the ids of tasks that are ready.

use std::ffi::{CStr, c_int, c_long};

use redis_module::raw;

use super::server_keys::ServerKeys;
use crate::error::Result;
use crate::keyspace::Type;
use crate::names::{Id, Key};
use crate::redis::api::{OK, Text, call};
use crate::redis::effects::EffectLog;
use crate::redis::handles::Open;

/// One end of a list, and the event name of a push there.
pub(super) struct End {
    position: isize,
    event: &'static CStr,
    effect: fn(&mut EffectLog, Key<'_>, &[&[u8]]),
}

/// The end to which elements are appended.
pub(super) const TAIL: End = End {
    position: raw::REDISMODULE_LIST_TAIL,
    event: c"rpush",
    effect: EffectLog::rpush,
};
/// The end from which elements are popped.
pub(super) const HEAD: End = End {
    position: raw::REDISMODULE_LIST_HEAD,
    event: c"lpush",
    effect: EffectLog::lpush,
};

/// Pushes to one end, one after the other.
pub(super) fn push(keys: &mut ServerKeys<'_>, key: Key<'_>, ids: &[&[u8]], end: &End) -> Result<()> {
    let (open, _) = keys.typed(key, Type::List)?;
    if ids.is_empty() {
        return Ok(());
    }
    for id in ids {
        let id = Text::new(id);
        // SAFETY: a list, or a missing key, open for writing; the server copies the element.
        unsafe { call!(RedisModule_ListPush(open.raw, end.position as c_int, id.raw())) };
    }
    keys.notify(key, raw::REDISMODULE_NOTIFY_LIST, end.event);
    keys.effect(key, |effects| (end.effect)(effects, key, ids));
    Ok(())
}

/// Pops the head.
pub(super) fn pop(keys: &mut ServerKeys<'_>, key: Key<'_>) -> Result<Option<Id>> {
    let (open, there) = keys.typed(key, Type::List)?;
    if !there {
        return Ok(None);
    }
    // SAFETY: a list open for writing; the element is ours to free.
    let popped = unsafe {
        Text::take(call!(RedisModule_ListPop(
            open.raw,
            raw::REDISMODULE_LIST_HEAD as c_int
        )))
    };
    let Some(popped) = popped else {
        return Ok(None);
    };
    keys.notify(key, raw::REDISMODULE_NOTIFY_LIST, c"lpop");
    keys.effect(key, |effects| effects.pop(key, popped.bytes()));
    Ok(Some(Id::from_slice(popped.bytes())))
}

/// Up to `count` elements from position `from`.
pub(super) fn range(keys: &mut ServerKeys<'_>, key: Key<'_>, from: i64, count: usize) -> Result<Vec<Vec<u8>>> {
    let (open, _) = keys.typed(key, Type::List)?;
    let found = elements(open, from, count);
    keys.handles.close(key);
    Ok(found)
}

/// Removes these elements, with the ascending positions at which they are.
pub(super) fn remove(keys: &mut ServerKeys<'_>, key: Key<'_>, elements: &[(usize, &[u8])]) -> Result<()> {
    let (open, _) = keys.typed(key, Type::List)?;
    let length = open.length();
    let mut removed = 0;
    for (position, _) in elements.iter().filter(|(position, _)| *position < length) {
        // Adjusted for those already removed before it.
        let at = c_long::try_from(position.saturating_sub(removed)).unwrap_or(c_long::MAX);
        // SAFETY: a list open for writing; a position beyond its end is refused.
        if unsafe { call!(RedisModule_ListDelete(open.raw, at)) } == OK {
            removed += 1;
        }
    }
    if removed > 0 {
        keys.notify(key, raw::REDISMODULE_NOTIFY_LIST, c"lrem");
        keys.effect(key, |effects| {
            effects.op(b'E', key).count(elements.len());
            for (position, id) in elements {
                effects.count(*position).id(id);
            }
        });
    }
    keys.handles.close(key);
    Ok(())
}

/// Up to `count` elements of an open list from position `from`; negative ones count from the tail.
/// Leaves an iterator in the handle: close it afterwards.
fn elements(open: &Open, from: i64, count: usize) -> Vec<Vec<u8>> {
    let length = i64::try_from(open.length()).unwrap_or(i64::MAX);
    let start = if from < 0 {
        length.saturating_add(from).max(0)
    } else {
        from
    };
    let end = start
        .saturating_add(i64::try_from(count).unwrap_or(i64::MAX))
        .min(length);
    (start..end)
        .map_while(|position| {
            let position = c_long::try_from(position).ok()?;
            // SAFETY: a list open for reading; the element is ours to free.
            unsafe { Text::take(call!(RedisModule_ListGet(open.raw, position))) }
        })
        .map(|element| element.bytes().to_vec())
        .collect()
}
