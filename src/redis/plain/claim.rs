//! Plain claims of plain tasks.

use std::ffi::c_int;
use std::ptr;

use redis_module::raw;
use smallvec::SmallVec;

use super::key::Open;
use super::{Call, Step, task};
use crate::command::int;
use crate::names::{Part, Place};
use crate::redis::api::{Text, call};
use crate::redis::{canned, reply};
use crate::reply::Reply;
use crate::task::dispatch::MAX_PAYLOAD;
use crate::task::header::{HEADER_LEN, Header};
use crate::task::{lifecycle, plain};

/// Most tasks of a plain claim: all their records are open at the same time.
const MOST: usize = 64;

/// A task that was popped.
struct Popped {
    id: Text,
    record: Open,
    header: Header,
}

/// TASK.CLAIM queue worker [COUNT n].
pub(super) fn claim(step: &mut Step<'_>, call: &Call<'_>) -> Option<()> {
    let (worker, count) = match *call.arguments {
        [_, worker] => (worker, 1),
        [_, worker, word, count] if word.eq_ignore_ascii_case(b"COUNT") => {
            (worker, int("COUNT", count, 1, MOST as i64, "").ok()? as usize)
        }
        _ => return None,
    };
    let worker = std::str::from_utf8(worker).ok()?;
    let claimer = plain::claimer(step.state, &step.name, worker, &step.context)?;
    step.state
        .services
        .seen(call.connection, Some(worker), step.context.steady);
    let claimed = Place::Once(Part::Claimed);
    let mut set = step.open(claimed).for_a(raw::REDISMODULE_KEYTYPE_ZSET)?;
    let ready = Place::Ready(claimer.priority);
    let mut list = step.open(ready).holding(raw::REDISMODULE_KEYTYPE_LIST)?;
    let room = match claimer.concurrency {
        0 => claimer.room,
        most => most.saturating_sub(set.length()).min(claimer.room),
    };
    let popped = pop(step, &list, claimer.priority, count.min(room))?;
    (list.changed, set.changed) = (true, true);
    step.reply_array(popped.len());
    let mut claims: SmallVec<[(Text, i64); 1]> = SmallVec::new();
    for Popped {
        id,
        mut record,
        mut header,
    } in popped
    {
        let token = step.state.next_fence(header.fence, step.context.wall_us);
        lifecycle::begin_claim(&mut header, claimer.worker, claimer.lease, token);
        let after = header.write();
        let Some((start, payload)) = record.bytes_mut().split_first_chunk_mut::<HEADER_LEN>() else {
            continue;
        };
        let before = std::mem::replace(start, after);
        answer(step, &id, &header, payload);
        let deadline = header.deadline(step.context.steady).0;
        // SAFETY: a sorted set, or a missing key, open for writing; the server copies the member.
        unsafe { call!(RedisModule_ZsetAdd(set.raw, deadline as f64, id.raw(), ptr::null_mut())) };
        step.effect(ready, |effects, key| effects.pop(key, id.bytes()));
        step.effect(task(id.bytes()), |effects, key| effects.patch(key, &before, &after));
        plain::claimed(step.state, &step.name, &header, id.bytes(), &step.context);
        claims.push((id, deadline));
    }
    let members = claims.iter().map(|(id, deadline)| (*deadline, id.bytes()));
    step.effect(claimed, |effects, key| effects.zadd(key, members));
    Some(())
}

/// Pops up to `count` tasks of the list of this priority. If one of them is not plain, all go back to where they were.
fn pop(step: &mut Step<'_>, list: &Open, priority: u8, count: usize) -> Option<SmallVec<[Popped; 1]>> {
    let mut popped: SmallVec<[Popped; 1]> = SmallVec::new();
    let mut bytes = 0;
    while popped.len() < count && bytes < MAX_PAYLOAD {
        // SAFETY: an open list, or one that is empty by now; the element is ours to free.
        let id = unsafe {
            let id = call!(RedisModule_ListPop(list.raw, raw::REDISMODULE_LIST_HEAD as c_int));
            let Some(id) = Text::take(id) else {
                break;
            };
            id
        };
        // An id that somebody put into the list twice: only one of them counts, once the other is claimed.
        let is_there = |fence| popped.iter().any(|popped| popped.header.fence == fence);
        match read(step, &id, priority).filter(|(_, header)| !is_there(header.fence)) {
            Some((record, header)) => {
                bytes += record.bytes().len().saturating_sub(HEADER_LEN);
                popped.push(Popped { id, record, header });
            }
            None => {
                push_back(list, popped.iter().map(|popped| &popped.id).chain([&id]).rev());
                plain::stop(step.state, &step.name, &step.context);
                return None;
            }
        }
    }
    (!popped.is_empty()).then_some(popped)
}

/// The record of a popped task and its header; `None` unless it is plain.
#[inline(always)]
fn read(step: &mut Step<'_>, id: &Text, priority: u8) -> Option<(Open, Header)> {
    let record = step.open(task(id.bytes())).holding(raw::REDISMODULE_KEYTYPE_STRING)?;
    let header = Header::read(record.bytes()).ok()?;
    let queue = step.state.known_queue(&step.name)?;
    plain::is_ready(queue, &header, priority).then_some((record, header))
}

fn push_back<'t>(list: &Open, last_first: impl Iterator<Item = &'t Text>) {
    for id in last_first {
        // SAFETY: a list, or a key that has become empty, open for writing; the server copies the element.
        unsafe {
            call!(RedisModule_ListPush(
                list.raw,
                raw::REDISMODULE_LIST_HEAD as c_int,
                id.raw()
            ))
        };
    }
}

/// Answers with a claim, as `dispatch::render` does.
fn answer(step: &Step<'_>, id: &Text, header: &Header, payload: &[u8]) {
    let ctx = step.ctx;
    // SAFETY: a context with a client to answer; as many fields follow.
    unsafe { call!(RedisModule_ReplyWithMap(ctx, 5)) };
    canned::with_fields(|canned| {
        let field = |name: &str| {
            if !canned.write_field(ctx, name) {
                step.reply(name.as_bytes());
            }
        };
        field("id");
        step.reply(id.bytes());
        field("token");
        step.reply_number(header.fence);
        field("attempt");
        step.reply_number(header.attempt());
        field("kind");
        reply::write(ctx, &Reply::Null);
        field("payload");
        step.reply(payload);
    });
}
