//! Events of the server: roles, loads, flushes, connections, turns of the event loop. Callbacks only change memory and
//! arm the timer.

use std::ffi::{CStr, c_void};

use redis_module::raw;

use super::api::{Ctx, Flags, Level, OK, call, log};
use super::callback::guard;
use super::module::{self, Module};
use super::timer::SOON;
use super::{background, databases, discover, listeners, server_settings, waits};
use crate::time::Ms;

/// Every event we need.
const EVENTS: [(
    u64,
    unsafe extern "C" fn(*mut Ctx, raw::RedisModuleEvent, u64, *mut c_void),
); 12] = [
    (raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, on_role),
    (raw::REDISMODULE_EVENT_REPLICA_CHANGE, on_replicas),
    (raw::REDISMODULE_EVENT_FORK_CHILD, on_replicas),
    (raw::REDISMODULE_EVENT_LOADING, on_loading),
    (raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, on_async_load),
    (raw::REDISMODULE_EVENT_FLUSHDB, on_flush),
    (raw::REDISMODULE_EVENT_SWAPDB, on_swap),
    (raw::REDISMODULE_EVENT_CLIENT_CHANGE, on_client),
    (raw::REDISMODULE_EVENT_CRON_LOOP, on_cron),
    (raw::REDISMODULE_EVENT_EVENTLOOP, on_turn),
    (raw::REDISMODULE_EVENT_CONFIG, on_config),
    (raw::REDISMODULE_EVENT_MODULE_CHANGE, on_module),
];

/// Subscribes to every event; to none, and `false`, when the server lacks one. A server that does not load a module
/// after all keeps its callbacks, and calls what is not there any more.
pub(super) fn subscribe(ctx: *mut Ctx) -> bool {
    let set = |id, callback| {
        let event = raw::RedisModuleEvent { id, dataver: 1 };
        // SAFETY: our own callbacks, which live as long as the module; none ends a subscription.
        unsafe { call!(RedisModule_SubscribeToServerEvent(ctx, event, callback)) == OK }
    };
    let lacking = EVENTS.iter().position(|(id, callback)| !set(*id, Some(*callback)));
    for (id, _) in EVENTS.iter().take(lacking.unwrap_or(0)) {
        set(*id, None);
    }
    if let Some((id, _)) = lacking.and_then(|at| EVENTS.get(at)) {
        log(Level::Warning, &format!("the server has no event {id}"));
    }
    lacking.is_none()
}

/// Changes memory, and lets the timer do the rest.
fn change(work: impl FnOnce(&mut Module) + 'static) {
    guard(|| {
        module::soon(|module| {
            work(module);
            module.arm_now();
        });
    });
}

/// A change of role: the state of a primary is not maintained on a replica, nor the other way round.
unsafe extern "C" fn on_role(_: *mut Ctx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    change(start_over);
}

/// A replica came or went, or a snapshot is made, perhaps for a replica.
unsafe extern "C" fn on_replicas(_: *mut Ctx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    guard(|| module::soon(|module| module.audience.may_have_come()));
}

fn start_over(module: &mut Module) {
    module.audience.may_have_come();
    let with_data = discover::has_data(module.timer.context());
    module.start_over(with_data);
}

unsafe extern "C" fn on_loading(ctx: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    match step {
        raw::REDISMODULE_SUBEVENT_LOADING_ENDED | raw::REDISMODULE_SUBEVENT_LOADING_FAILED => {
            change(start_over);
        }
        // While new data is loaded in the background, the old data is still served.
        _ if Flags::of(ctx).loads_aside() => {}
        _ => change(|module| flush(module, None)),
    }
}

unsafe extern "C" fn on_async_load(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    if step == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED {
        // What was loaded is known by now.
        change(start_over);
    }
}

unsafe extern "C" fn on_flush(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, data: *mut c_void) {
    // SAFETY: the server's description of the event, as its version 1 is declared.
    let db = unsafe { data.cast::<raw::RedisModuleFlushInfo>().as_ref() }.map(|info| info.dbnum);
    if step == raw::REDISMODULE_SUBEVENT_FLUSHDB_END {
        change(move |module| flush(module, db.filter(|&db| db >= 0)));
    }
}

/// The database of this number was emptied, or all were.
fn flush(module: &mut Module, number: Option<i32>) {
    let all = || {
        let ids = module.state.databases();
        ids.into_iter().filter_map(databases::number).collect()
    };
    for number in number.map_or_else(all, |number| vec![number]) {
        let (before, now) = databases::renew(number);
        module.state.flushed(before, now);
    }
}

unsafe extern "C" fn on_swap(_: *mut Ctx, _: raw::RedisModuleEvent, _: u64, data: *mut c_void) {
    // SAFETY: as above.
    if let Some(info) = unsafe { data.cast::<raw::RedisModuleSwapDbInfo>().as_ref() } {
        let (a, b) = (info.dbnum_first, info.dbnum_second);
        change(move |module| {
            let (one, other) = databases::swap(a, b);
            module.state.swapped(one, other);
        });
    }
}

unsafe extern "C" fn on_client(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, data: *mut c_void) {
    if step != raw::REDISMODULE_SUBEVENT_CLIENT_CHANGE_DISCONNECTED {
        return;
    }
    // SAFETY: as above.
    let Some(id) = unsafe { data.cast::<raw::RedisModuleClientInfo>().as_ref() }.map(|info| info.id) else {
        return;
    };
    guard(|| {
        module::soon(move |module| {
            let now = module.clock.steady();
            if module.state.disconnected(id, now, module::settings().ttl) {
                module.arm_now();
            }
        });
    });
}

unsafe extern "C" fn on_config(ctx: *mut Ctx, _: raw::RedisModuleEvent, _: u64, data: *mut c_void) {
    guard(|| {
        // SAFETY: as above; `num_changes` names, each ended by a NUL.
        let Some(change) = (unsafe { data.cast::<raw::RedisModuleConfigChange>().as_ref() }) else {
            return;
        };
        for at in 0..change.num_changes as usize {
            // SAFETY: as above.
            let name = unsafe { *change.config_names.add(at) };
            // SAFETY: as above.
            match (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }) {
                Some(name) if name == c"maxmemory-policy" => server_settings::check_eviction(ctx),
                Some(name) if name == c"min-replicas-to-write" || name == c"min-slaves-to-write" => {
                    server_settings::read_min_replicas(ctx);
                }
                Some(name) if name == c"timeout" => server_settings::check_timeout(ctx),
                Some(name) if name == c"notify-keyspace-events" => listeners::check(ctx),
                _ => {}
            }
        }
    });
}

unsafe extern "C" fn on_module(ctx: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    guard(|| {
        if step == raw::REDISMODULE_SUBEVENT_MODULE_LOADED {
            // The other module may listen to notifications. The server does not report our own loading to us.
            listeners::check(ctx);
        }
    });
}

/// The server's cron. It also runs the timer's work when the timer is delayed, by another module's timer or by a step
/// of the wall clock.
unsafe extern "C" fn on_cron(ctx: *mut Ctx, _: raw::RedisModuleEvent, _: u64, data: *mut c_void) {
    guard(|| {
        // SAFETY: as above.
        let hz = unsafe { data.cast::<raw::RedisModuleCronLoopInfo>().as_ref() }.map_or(10, |info| info.hz);
        let overdue = module::with(|module| {
            let stall = module.pulse.beat(Ms::from(hz));
            let now = module.clock.steady();
            if let Some(length) = stall {
                module.state.stalls.stalled(now, length);
            }
            let unarmed = module.pulse.take_unarmed();
            if module.pulse.was_stepped(module.clock.offset()) || unarmed {
                let context = module.context();
                module.arm(&context, SOON);
            }
            module.timer.is_overdue(now)
        });
        background::check_freeze(ctx);
        if overdue == Some(true) {
            background::work_now(ctx);
        }
        waits::check_slots(ctx);
    });
}

/// One turn of the event loop, from waking up to going to sleep.
unsafe extern "C" fn on_turn(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    guard(|| {
        module::with(|module| {
            if step == raw::REDISMODULE_SUBEVENT_EVENTLOOP_AFTER_SLEEP {
                module.pulse.wake();
                return;
            }
            module.count_stall();
            module.pulse.sleep();
            let now = module.clock.steady();
            module.state.stalls.turned(now);
        });
    });
}
