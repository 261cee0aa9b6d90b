//! Keyspace notifications: changes of our keys by other clients. Callbacks only change memory and arm the timer.

use std::ffi::{c_char, c_int};

use redis_module::raw;

use super::api::{Ctx, OK, RawText, bytes_of, call, optional};
use super::callback::guard;
use super::{databases, module};
use crate::names::{Touched, is_ours, owner, touched};

/// Subscribes to changes of our keys. Not to strings, sets and streams: such a value in place of one of our keys causes
/// an error when it is opened, and a notification would make every SET of the server a tenth slower.
pub(super) fn subscribe(ctx: *mut Ctx) -> bool {
    let mut mask = raw::REDISMODULE_NOTIFY_GENERIC
        | raw::REDISMODULE_NOTIFY_LIST
        | raw::REDISMODULE_NOTIFY_HASH
        | raw::REDISMODULE_NOTIFY_ZSET
        | raw::REDISMODULE_NOTIFY_EXPIRED
        | raw::REDISMODULE_NOTIFY_EVICTED
        | raw::REDISMODULE_NOTIFY_LOADED;
    let newer = raw::REDISMODULE_NOTIFY_OVERWRITTEN
        | raw::REDISMODULE_NOTIFY_TYPE_CHANGED
        | raw::REDISMODULE_NOTIFY_KEY_TRIMMED;
    // SAFETY: plain values and our own callback.
    unsafe {
        if let Some(all) = optional!(RedisModule_GetKeyspaceNotificationFlagsAll) {
            mask |= newer & all();
        }
        call!(RedisModule_SubscribeToKeyspaceEvents(ctx, mask, Some(on_change))) == OK
    }
}

unsafe extern "C" fn on_change(ctx: *mut Ctx, class: c_int, _event: *const c_char, key: *mut RawText) -> c_int {
    guard(|| {
        // SAFETY: the key's name lives through this call.
        let key = unsafe { bytes_of(key) };
        if !is_ours(key) {
            return;
        }
        // Ignores a transaction's own writes, but not keys that expire while it runs.
        if module::is_busy() && class & raw::REDISMODULE_NOTIFY_EXPIRED == 0 {
            return;
        }
        // A load notifies of every key; these tell no more than the other keys of their name.
        let is_passive = || matches!(touched(key), Some(Touched::Task | Touched::Events));
        if class & raw::REDISMODULE_NOTIFY_LOADED != 0 && is_passive() {
            return;
        }
        // SAFETY: a context the server lent us.
        let db = unsafe { call!(RedisModule_GetSelectedDb(ctx)) };
        if let Some((name, what)) = owner(databases::id(db), key) {
            module::soon(move |module| {
                module.state.touched(&name, what);
                module.arm_now();
            });
        }
    });
    OK
}
