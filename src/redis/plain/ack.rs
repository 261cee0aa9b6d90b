//! Acknowledgements of plain tasks, without a result.

use std::ffi::c_int;

use redis_module::raw;
use smallvec::SmallVec;

use super::key::Open;
use super::{Call, Step, task};
use crate::command::int;
use crate::names::{MAX_TOKEN, Part, Place};
use crate::redis::api::{RawText, call};
use crate::redis::reply;
use crate::reply::Reply;
use crate::task::header::Header;
use crate::task::plain;

/// Most tasks of a plain MACK: all their records are open at the same time.
const MOST: usize = 64;

const CLAIMED: Place<'static> = Place::Once(Part::Claimed);

/// A claim that lives.
struct Claim<'c> {
    id: &'c [u8],
    text: *mut RawText,
    record: Open,
    header: Header,
}

/// TASK.ACK queue id token.
pub(super) fn ack(step: &mut Step<'_>, call: &Call<'_>) -> Option<()> {
    let (&[_, id, token], &[_, text, _]) = (call.arguments, call.texts) else {
        return None;
    };
    let claim = find(step, id, text, token_of(token)?)?;
    let mut set = step.open(CLAIMED).holding(raw::REDISMODULE_KEYTYPE_ZSET)?;
    step.state.services.seen(call.connection, None, step.context.steady);
    end(step, &mut set, claim);
    reply::write(step.ctx, &Reply::OK);
    Some(())
}

/// TASK.MACK queue numtasks id token [id token ...].
pub(super) fn mack(step: &mut Step<'_>, call: &Call<'_>) -> Option<()> {
    let (&[_, count, ref pairs @ ..], &[_, _, ref texts @ ..]) = (call.arguments, call.texts) else {
        return None;
    };
    let count = int("numtasks", count, 1, MOST as i64, "").ok()? as usize;
    let (pairs, []) = pairs.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != count {
        return None;
    }
    let mut claims: SmallVec<[Claim<'_>; 16]> = SmallVec::new();
    let mut last = 0;
    for (&[id, token], &text) in pairs.iter().zip(texts.iter().step_by(2)) {
        let token = token_of(token)?;
        // None comes twice: the second would be acknowledged again.
        if token <= last {
            return None;
        }
        last = token;
        claims.push(find(step, id, text, token)?);
    }
    let mut set = step.open(CLAIMED).holding(raw::REDISMODULE_KEYTYPE_ZSET)?;
    step.state.services.seen(call.connection, None, step.context.steady);
    step.reply_array(count);
    for claim in claims {
        end(step, &mut set, claim);
        reply::write(step.ctx, &Reply::OK);
    }
    Some(())
}

fn token_of(word: &[u8]) -> Option<u64> {
    u64::try_from(int("token", word, 0, MAX_TOKEN, "").ok()?).ok()
}

/// The claim under this token, if it lives and its task is plain.
fn find<'c>(step: &mut Step<'_>, id: &'c [u8], text: *mut RawText, token: u64) -> Option<Claim<'c>> {
    let record = step.open(task(id)).holding(raw::REDISMODULE_KEYTYPE_STRING)?;
    let header = Header::read(record.bytes()).ok()?;
    let queue = step.state.known_queue(&step.name)?;
    plain::is_claimed(queue, &header, token).then_some(Claim {
        id,
        text,
        record,
        header,
    })
}

/// Acknowledges a task: nothing is left of it.
fn end(step: &mut Step<'_>, set: &mut Open, mut claim: Claim<'_>) {
    let mut removed: c_int = 0;
    // SAFETY: a sorted set that is open for writing, or was emptied by the step; a string of the server.
    unsafe { call!(RedisModule_ZsetRem(set.raw, claim.text, &raw mut removed)) };
    if removed != 0 {
        set.changed = true;
        step.effect(CLAIMED, |effects, key| effects.zrem(key, &[claim.id]));
    }
    // SAFETY: an open string. Unlinked, not deleted: a large value is freed in the background.
    unsafe { call!(RedisModule_UnlinkKey(claim.record.raw)) };
    claim.record.changed = true;
    step.effect(task(claim.id), |effects, key| effects.del(key));
    plain::acked(step.state, &step.name, &claim.header, &step.context);
}
