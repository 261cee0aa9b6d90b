//! Sorted sets: ids by the moment at which they are due.

use std::cmp::Ordering;
use std::ffi::c_int;
use std::ptr;

use redis_module::raw;

use super::server_keys::ServerKeys;
use crate::error::{Error, Result};
use crate::keyspace::{Scored, Type};
use crate::names::Key;
use crate::redis::api::{OK, Text, call};
use crate::redis::handles::Open;

/// Up to this many of the lowest members, removing them one by one is cheaper than calling the command.
const FEW: usize = 8;

/// Which members a walk visits, in (score, id) order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    /// Only those strictly beyond this one.
    pub after: Option<&'a Scored>,
    /// None with a larger score.
    pub most: i64,
    /// Whether it goes from the highest to the lowest.
    pub reverse: bool,
}

/// All members, upwards.
pub(super) const UPWARDS: Walk<'static> = Walk {
    after: None,
    most: i64::MAX,
    reverse: false,
};

/// Score of the member.
pub(super) fn score(keys: &mut ServerKeys<'_>, key: Key<'_>, id: &[u8]) -> Result<Option<i64>> {
    let (open, there) = keys.typed(key, Type::SortedSet)?;
    if !there {
        return Ok(None);
    }
    let id = Text::new(id);
    let mut score = 0.0;
    // SAFETY: an open sorted set.
    let found = unsafe { call!(RedisModule_ZsetScore(open.raw, id.raw(), &raw mut score)) };
    Ok((found == OK).then(|| whole(score)))
}

/// How many members come before this one.
pub(super) fn rank(keys: &mut ServerKeys<'_>, key: Key<'_>, id: &[u8]) -> Result<Option<usize>> {
    if score(keys, key, id)?.is_none() {
        return Ok(None);
    }
    Ok(keys.command(c"ZRANK", key, &[id]).count())
}

/// Adds the members or changes their scores.
pub(super) fn add(keys: &mut ServerKeys<'_>, key: Key<'_>, members: &[(i64, &[u8])]) -> Result<()> {
    let (open, _) = keys.typed(key, Type::SortedSet)?;
    if members.is_empty() {
        return Ok(());
    }
    for (score, id) in members {
        let id = Text::new(id);
        // SAFETY: a sorted set, or a missing key, open for writing; the server copies the member.
        unsafe { call!(RedisModule_ZsetAdd(open.raw, *score as f64, id.raw(), ptr::null_mut())) };
    }
    keys.handles.notify(key, raw::REDISMODULE_NOTIFY_ZSET, c"zadd");
    keys.effect(key, |effects| effects.zadd(key, members.iter().copied()));
    Ok(())
}

/// Removes the members; the number removed.
pub(super) fn remove(keys: &mut ServerKeys<'_>, key: Key<'_>, ids: &[&[u8]]) -> Result<usize> {
    let (open, there) = keys.typed(key, Type::SortedSet)?;
    if !there {
        return Ok(0);
    }
    let gone = drop_members(open, ids.iter().copied());
    if gone > 0 {
        keys.notify(key, raw::REDISMODULE_NOTIFY_ZSET, c"zrem");
        keys.effect(key, |effects| effects.zrem(key, ids));
    }
    Ok(gone)
}

/// Removes these members, which are the lowest.
pub(super) fn remove_lowest(keys: &mut ServerKeys<'_>, key: Key<'_>, lowest: &[Scored]) -> Result<()> {
    let ids: Vec<&[u8]> = lowest.iter().map(|(_, id)| id.as_slice()).collect();
    if lowest.len() <= FEW {
        return remove(keys, key, &ids).map(|_| ());
    }
    keys.typed(key, Type::SortedSet)?;
    let last = (lowest.len() - 1).to_string();
    let removed = keys.command(c"ZREMRANGEBYRANK", key, &[b"0", last.as_bytes()]);
    if removed.is_error() {
        return Err(Error::Internal);
    }
    keys.effect(key, |effects| effects.zrem(key, &ids));
    Ok(())
}

/// Up to `count` members of this walk.
pub(super) fn walk(keys: &mut ServerKeys<'_>, key: Key<'_>, walk: Walk<'_>, count: usize) -> Result<Vec<Scored>> {
    let (open, there) = keys.typed(key, Type::SortedSet)?;
    Ok(if there { members(open, walk, count) } else { Vec::new() })
}

/// Some members and the next cursor.
pub(super) fn scan(keys: &mut ServerKeys<'_>, key: Key<'_>, cursor: u64) -> Result<(u64, Vec<Scored>)> {
    if !keys.typed(key, Type::SortedSet)?.1 {
        return Ok((0, Vec::new()));
    }
    let cursor = cursor.to_string();
    let mut found = keys.command(c"ZSCAN", key, &[cursor.as_bytes()]).strings().into_iter();
    let next = found.next().and_then(|next| String::from_utf8(next).ok()?.parse().ok());
    let mut members = Vec::new();
    while let (Some(id), Some(score)) = (found.next(), found.next()) {
        let score = std::str::from_utf8(&score).ok().and_then(|text| text.parse().ok());
        members.push((whole(score.unwrap_or(0.0)), id));
    }
    Ok((next.unwrap_or(0), members))
}

/// A score as whole ms. Foreign scores may be anything: fractions are cut off, too large ones become the largest
/// possible.
fn whole(score: f64) -> i64 {
    score as i64
}

/// Up to `count` members of this walk over an open sorted set.
fn members(open: &Open, walk: Walk<'_>, count: usize) -> Vec<Scored> {
    let Walk { after, most, reverse } = walk;
    let mut found = Vec::new();
    let start = after.map(|(score, _)| *score as f64);
    let lowest = if reverse { None } else { start }.unwrap_or(f64::NEG_INFINITY);
    let mut highest = if most == i64::MAX { f64::INFINITY } else { most as f64 };
    if reverse {
        // One more: the fraction of the score at which to continue was cut off.
        highest = start.map_or(highest, |start| start + 1.0);
    }
    // SAFETY: an open sorted set; the walk is stopped before the key is used otherwise, and every element is ours to
    // free.
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

/// Removes members of an open sorted set; the number removed.
fn drop_members<'i>(open: &Open, ids: impl Iterator<Item = &'i [u8]>) -> usize {
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
