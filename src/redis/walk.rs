//! Walks over open lists and sorted sets, and changes of many of their elements.

use std::cmp::Ordering;
use std::ffi::{c_int, c_long};
use std::ptr;

use redis_module::raw;

use super::api::{OK, RawText, Text, call};
use super::handles::Open;
use crate::keyspace::Scored;

/// A score as whole ms. Foreign ones may be anything: fractions are cut off, what is too large is the
/// largest there is.
pub fn whole(score: f64) -> i64 {
    score as i64
}

/// Up to `count` elements of an open list from position `from`; negative ones count from the tail.
/// Leaves an iterator in the handle: close it afterwards.
pub fn list(open: &Open, from: i64, count: usize) -> Vec<Vec<u8>> {
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

/// Up to `count` members of an open sorted set in (score, id) order: those strictly beyond `after`, none
/// above `most`; `reverse` walks down.
pub fn members(open: &Open, after: Option<&Scored>, most: i64, reverse: bool, count: usize) -> Vec<Scored> {
    let mut found = Vec::new();
    let start = after.map(|(score, _)| *score as f64);
    let lowest = if reverse { None } else { start }.unwrap_or(f64::NEG_INFINITY);
    let mut highest = if most == i64::MAX { f64::INFINITY } else { most as f64 };
    if reverse {
        // One more: a fraction above the whole score was cut off when it was shown.
        highest = start.map_or(highest, |start| start + 1.0);
    }
    // SAFETY: an open sorted set; the walk is stopped before anything else happens to it, and every
    // element is ours to free.
    unsafe {
        let begun = if reverse {
            call!(RedisModule_ZsetLastInScoreRange(open.raw, lowest, highest, 0, 0))
        } else {
            call!(RedisModule_ZsetFirstInScoreRange(open.raw, lowest, highest, 0, 0))
        };
        let mut more = begun == OK;
        while more && found.len() < count {
            let mut score = 0.0;
            let Some(id) = Text::take(call!(RedisModule_ZsetRangeCurrentElement(open.raw, &raw mut score))) else {
                break;
            };
            if is_beyond((whole(score), id.bytes()), after, reverse) {
                found.push((whole(score), id.bytes().to_vec()));
            }
            let stepped = if reverse {
                call!(RedisModule_ZsetRangePrev(open.raw))
            } else {
                call!(RedisModule_ZsetRangeNext(open.raw))
            };
            more = stepped != 0;
        }
        call!(RedisModule_ZsetRangeStop(open.raw));
    }
    found
}

fn is_beyond(member: (i64, &[u8]), after: Option<&Scored>, reverse: bool) -> bool {
    let Some((score, id)) = after else {
        return true;
    };
    let wanted = if reverse { Ordering::Less } else { Ordering::Greater };
    member.cmp(&(*score, id.as_slice())) == wanted
}

/// Removes members of an open sorted set; how many were there.
pub fn remove<'i>(open: &Open, ids: impl Iterator<Item = &'i [u8]>) -> usize {
    let mut gone = 0;
    for id in ids {
        let id = Text::new(id);
        let mut deleted: c_int = 0;
        // SAFETY: a sorted set, or a key that has just become empty, open for writing.
        unsafe { call!(RedisModule_ZsetRem(open.raw, id.raw(), &raw mut deleted)) };
        gone += usize::from(deleted != 0);
    }
    gone
}

/// Sets a field of an open hash, or removes it when `value` is the server's mark for that; how many
/// fields changed.
pub fn set_field(open: &Open, field: &[u8], value: *mut RawText) -> c_int {
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
