//! The edge between the server and the domain, and the only place with `unsafe`: entries and callbacks, clocks, keys,
//! blocked clients, the timer, replication.
//!
//! Start reading at [`dispatch`] (a command comes in), [`background`] (time passes) and [`transaction`] (what happens
//! around every transaction); [`keyspace`] is the port to the data, [`effects`] what is sent to replicas.
//!
//! It has layers, each of which imports only those below:
//!
//! 1. the server's functions: [`api`], [`callback`], [`reply`], [`canned`], [`server_info`], [`clock`], [`timer`], [`pulse`];
//! 2. what is kept between calls: [`module`], with [`audience`], [`blocked`], [`texts`] and the rest of its parts;
//! 3. work on the data: [`handles`], [`keyspace`], [`block`], [`transaction`];
//! 4. what the server calls: [`dispatch`] with [`plain`], [`apply`], [`background`], [`events`], [`notify`], [`config`], [`info`].

// The server's API is C.
#![allow(unsafe_code)]

mod acl;
#[cfg(not(test))]
mod alloc;
mod api;
mod apply;
mod audience;
mod background;
mod block;
mod blocked;
mod callback;
mod canned;
mod clock;
mod cluster;
mod commands;
mod config;
#[cfg(debug_assertions)]
mod contract;
mod databases;
mod discover;
mod dispatch;
mod docs;
mod effects;
mod events;
mod fenced;
mod handles;
mod housekeeping;
mod info;
mod keyspace;
mod listeners;
mod log_limit;
mod module;
mod notify;
mod plain;
mod probe;
mod pulse;
mod reply;
mod required;
mod server_info;
mod server_settings;
mod texts;
mod timer;
mod transaction;
mod waits;

use std::ffi::c_int;

use redis_module::raw;

#[cfg(not(test))]
pub(crate) use alloc::ServerAlloc;

use api::{Ctx, ERR, Level, OK, RawText, call, log, optional};
use callback::guard;

/// Version shown by MODULE LIST: 0.1.0.
const VERSION: c_int = 100;
/// Valkey 9: we support its atomic slot migration. Redis ignores this bit.
const HANDLE_ATOMIC_SLOT_MIGRATION: c_int = 1 << 5;

/// Called by the server when it loads the module.
///
/// # Safety
/// Called by the server.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn RedisModule_OnLoad(ctx: *mut Ctx, argv: *mut *mut RawText, argc: c_int) -> c_int {
    // SAFETY: the context the server gave us; no allocation comes before this.
    let found = unsafe { raw::Export_RedisModule_Init(ctx, c"steward".as_ptr(), VERSION, 1) };
    if found != OK {
        return ERR;
    }
    std::panic::set_hook(Box::new(|panic| {
        log(Level::Warning, &format!("a defect of steward: {panic}"));
    }));
    callback::enter_main_thread();
    let loaded = guard(|| {
        // SAFETY: as the server promises.
        let arguments = unsafe { callback::arguments(argv, argc) };
        load(ctx, &arguments).map_err(|why| log(Level::Warning, &why))
    });
    match loaded {
        Some(Ok(())) => OK,
        // The server does not call the unload function of a module whose load failed.
        _ => {
            guard(leave);
            ERR
        }
    }
}

/// Takes back everything that points into this library, which may be unloaded.
fn leave() {
    module::forget();
    drop(std::panic::take_hook());
}

/// Called by the server before it unloads the module. It refuses by itself while clients are blocked
/// or the timer is armed.
///
/// # Safety
/// Called by the server.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn RedisModule_OnUnload(_ctx: *mut Ctx) -> c_int {
    guard(leave);
    OK
}

fn load(ctx: *mut Ctx, arguments: &[&[u8]]) -> Result<(), String> {
    if let Some(name) = api::missing() {
        return Err(format!(
            "this server lacks {name}: Redis 7.0 or later, or Valkey, is needed"
        ));
    }
    if let Some(argument) = arguments.first() {
        let argument = String::from_utf8_lossy(argument);
        return Err(format!(
            "unknown argument {argument}: there are none, the settings are steward.* in redis.conf"
        ));
    }
    required::check(ctx)?;
    // The library may have stayed in memory when the module was unloaded, with its old state.
    module::forget();
    set_options(ctx);
    let refused = |what: &str| Err(format!("the server refused to register {what}"));
    if !apply::register(ctx) || !commands::register(ctx) {
        return refused("the commands");
    }
    #[cfg(debug_assertions)]
    if !contract::register(ctx) {
        return refused("the contract");
    }
    // SAFETY: lives as long as the module: the timer is armed with it from callbacks that have none.
    let lasting = unsafe { call!(RedisModule_GetDetachedThreadSafeContext(ctx)) };
    module::with(|module| {
        let context = module.context();
        module.state.since = context.wall;
        module.timer.init(lasting, background::on_timer);
    });
    canned::prepare(lasting);
    if !config::register(ctx) {
        return refused("the settings, or one in redis.conf is out of range");
    }
    // SAFETY: our own function.
    if unsafe { call!(RedisModule_RegisterInfoFunc(ctx, Some(info::on_info))) } != OK {
        return refused("the section of INFO");
    }
    // Last, as a load that fails may leave no callback behind: nothing takes back the second of these.
    if !events::subscribe(ctx) || !notify::subscribe(ctx) {
        return refused("the callbacks");
    }
    server_settings::check_eviction(ctx);
    server_settings::check_timeout(ctx);
    server_settings::read_min_replicas(ctx);
    listeners::check(ctx);
    if discover::has_data(ctx) {
        module::with(|module| {
            module.discovery = Some(discover::Discovery::start());
            module.start_over(true);
            module.arm_now();
        });
    }
    Ok(())
}

fn set_options(ctx: *mut Ctx) {
    let wanted = raw::REDISMODULE_OPTIONS_HANDLE_IO_ERRORS
        | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD
        | raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED;
    // SAFETY: plain values.
    unsafe {
        let known = optional!(RedisModule_GetModuleOptionsAll).map_or(0, |all| all());
        let options = wanted.cast_signed() | (known & HANDLE_ATOMIC_SLOT_MIGRATION);
        call!(RedisModule_SetModuleOptions(ctx, options));
    }
}
