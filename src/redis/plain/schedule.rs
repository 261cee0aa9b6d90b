//! A plain task, ready at once.

use std::ffi::c_int;

use redis_module::raw;

use super::{Call, Step, task};
use crate::names::Place;
use crate::redis::api::{Text, call};
use crate::task::header::{Header, generated_id};
use crate::task::new_task::{DEFAULT_PRIORITY, ensure_size};
use crate::task::plain;

/// TASK.SCHEDULE queue payload.
pub(super) fn schedule(step: &mut Step<'_>, call: &Call<'_>) -> Option<()> {
    let &[_, payload] = call.arguments else {
        return None;
    };
    ensure_size("payload", payload, &step.context).ok()?;
    step.state.services.seen(call.connection, None, step.context.steady);
    let ready = Place::Ready(DEFAULT_PRIORITY);
    let mut list = step.open(ready).for_a(raw::REDISMODULE_KEYTYPE_LIST)?;
    let context = step.context;
    let (id, mut record) = loop {
        let id = generated_id(step.state.next_fence(0, context.wall_us));
        let record = step.open(task(&id));
        if record.is_missing() {
            break (id, record);
        }
    };
    let fence = step.state.next_fence(0, context.wall_us);
    let header = Header::new(fence, context.wall, DEFAULT_PRIORITY, context.wall).write();
    let (value, element) = (step.texts.joined(&header, payload), Text::new(&id));
    // SAFETY: a list and a string, or missing keys, open for writing; the server copies the element and shares the value.
    unsafe {
        call!(RedisModule_ListPush(
            list.raw,
            raw::REDISMODULE_LIST_TAIL as c_int,
            element.raw()
        ));
        call!(RedisModule_StringSet(record.raw, value.raw()));
    }
    (list.changed, record.changed) = (true, true);
    step.effect(ready, |effects, key| effects.rpush(key, &[&id]));
    step.effect(task(&id), |effects, key| effects.set(key, &header, payload));
    plain::added(step.state, &step.name, DEFAULT_PRIORITY);
    step.reply(&id);
    Some(())
}
