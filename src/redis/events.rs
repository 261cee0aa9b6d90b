//! Events of the server: roles, loads, flushes, connections, turns of the event loop. Callbacks touch
//! memory only and arm the timer.

use std::ffi::{CStr, c_void};
use std::time::Instant;

use redis_module::raw;

use super::api::{Ctx, Flags, Level, OK, call, log};
use super::dispatch::guard;
use super::module::{self, Module};
use super::{discover, eviction, listeners, timer, waits};
use crate::stalls::STALL;
use crate::time::Ms;

/// What is remembered between events.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    woke: Option<Instant>,
    /// When the event loop last went to sleep.
    slept: Option<Instant>,
    /// It sleeps no longer than this, as the cron wakes it, ms.
    longest_sleep: Ms,
    cron: Option<Instant>,
    offset: Ms,
}

/// Subscribes to every event we need; `false` when the server lacks one.
pub(super) fn subscribe(ctx: *mut Ctx) -> bool {
    let events: [(
        u64,
        unsafe extern "C" fn(*mut Ctx, raw::RedisModuleEvent, u64, *mut c_void),
    ); 10] = [
        (raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, on_role),
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
    events.into_iter().all(|(id, callback)| {
        let event = raw::RedisModuleEvent { id, dataver: 1 };
        // SAFETY: our own callbacks, which live as long as the module.
        let subscribed = unsafe { call!(RedisModule_SubscribeToServerEvent(ctx, event, Some(callback))) } == OK;
        if !subscribed {
            log(Level::Warning, &format!("the server has no event {id}"));
        }
        subscribed
    })
}

/// Changes memory, then lets the timer look at it.
fn note(change: impl FnOnce(&mut Module) + 'static) {
    guard(|| {
        module::soon(|module| {
            change(module);
            timer::arm_now(module);
        });
    });
}

/// What a primary remembers of its claims is not kept up on a replica, nor the other way round.
unsafe extern "C" fn on_role(_: *mut Ctx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    note(start_over);
}

/// What is in memory is derived anew, and leases and members get their full time again.
fn start_over(module: &mut Module) {
    let now = module.clock.steady();
    let with_data = discover::has_data(module.timer.context());
    module.state.start_over(now, with_data);
}

unsafe extern "C" fn on_loading(ctx: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    match step {
        raw::REDISMODULE_SUBEVENT_LOADING_ENDED | raw::REDISMODULE_SUBEVENT_LOADING_FAILED => {
            note(start_over);
        }
        // While new data is loaded aside, the old one still serves.
        _ if Flags::of(ctx).loads_aside() => {}
        _ => note(|module| module.state.flushed(None)),
    }
}

unsafe extern "C" fn on_async_load(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    if step == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED {
        note(|module| {
            module.state.flushed(None);
            start_over(module);
        });
    }
}

unsafe extern "C" fn on_flush(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, data: *mut c_void) {
    // SAFETY: the server's description of the event, as its version 1 is declared.
    let db = unsafe { data.cast::<raw::RedisModuleFlushInfo>().as_ref() }.map(|info| info.dbnum);
    if step == raw::REDISMODULE_SUBEVENT_FLUSHDB_END {
        note(move |module| module.state.flushed(db.filter(|&db| db >= 0)));
    }
}

unsafe extern "C" fn on_swap(_: *mut Ctx, _: raw::RedisModuleEvent, _: u64, data: *mut c_void) {
    // SAFETY: as above.
    if let Some(info) = unsafe { data.cast::<raw::RedisModuleSwapDbInfo>().as_ref() } {
        let (a, b) = (info.dbnum_first, info.dbnum_second);
        note(move |module| module.state.swapped(a, b));
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
                timer::arm_now(module);
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
                Some(name) if name == c"maxmemory-policy" => eviction::look(ctx),
                Some(name) if name == c"notify-keyspace-events" => listeners::look(ctx),
                _ => {}
            }
        }
    });
}

unsafe extern "C" fn on_module(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    guard(|| {
        if step == raw::REDISMODULE_SUBEVENT_MODULE_LOADED {
            // It may listen; ourselves the server does not announce to us.
            module::soon(|module| module.observed = true);
        }
    });
}

/// A gap between two beats of the server's cron is a standstill that the event loop did not see, as when
/// the process was stopped. And a timer that another module's timer or a step of the clock holds back is
/// not waited for.
unsafe extern "C" fn on_cron(ctx: *mut Ctx, _: raw::RedisModuleEvent, _: u64, data: *mut c_void) {
    guard(|| {
        // SAFETY: as above.
        let hz = unsafe { data.cast::<raw::RedisModuleCronLoopInfo>().as_ref() }.map_or(10, |info| info.hz.max(1));
        let overdue = module::with(|module| {
            let beat = Instant::now();
            module.pulse.longest_sleep = 1_000 / Ms::from(hz);
            if let Some(before) = module.pulse.cron.replace(beat) {
                let excess = ms_between(before, beat) - module.pulse.longest_sleep;
                if excess > STALL {
                    let now = module.clock.steady();
                    module.state.stalls.stalled(now, excess);
                }
            }
            let offset = module.clock.offset();
            if (offset - module.pulse.offset).abs() > 1 {
                module.pulse.offset = offset;
                let context = module.context();
                timer::arm(module, &context, timer::SOON);
            }
            let now = module.clock.steady();
            module.timer.is_overdue(now)
        });
        timer::look_for_standstill(ctx);
        if overdue == Some(true) {
            timer::work_now(ctx);
        }
        waits::check_slots(ctx);
    });
}

/// One turn of the event loop: what it took from waking to going to sleep again.
unsafe extern "C" fn on_turn(_: *mut Ctx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    guard(|| {
        module::with(|module| {
            if step == raw::REDISMODULE_SUBEVENT_EVENTLOOP_AFTER_SLEEP {
                module.pulse.woke = Some(Instant::now());
                return;
            }
            note_stall(module);
            (module.pulse.woke, module.pulse.slept) = (None, Some(Instant::now()));
            let now = module.clock.steady();
            module.state.stalls.turned(now);
        });
    });
}

/// Notes a standstill since the event loop went to sleep. Before the timer's work too: it comes in the same turn as
/// a command that took long, or as the end of a time in which the process was stopped, before what clients sent
/// meanwhile is read.
pub(super) fn note_stall(module: &mut Module) {
    let moment = Instant::now();
    let pulse = &mut module.pulse;
    let since = |from: Option<Instant>| from.map_or(0, |from| ms_between(from, moment));
    let asleep = if pulse.longest_sleep == 0 {
        0
    } else {
        since(pulse.slept) - pulse.longest_sleep
    };
    let length = since(pulse.woke).max(asleep);
    if length > STALL {
        pulse.woke = Some(moment);
        pulse.slept = Some(moment);
        let now = module.clock.steady();
        module.state.stalls.stalled(now, length);
    }
}

fn ms_between(from: Instant, to: Instant) -> Ms {
    Ms::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(Ms::MAX)
}
