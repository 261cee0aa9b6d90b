//! The module's settings as `steward.*` in redis.conf and CONFIG GET, SET and REWRITE.

use std::ffi::{c_char, c_int, c_longlong, c_void};

use redis_module::raw;

use super::api::{Ctx, ERR, OK, RawText, call};
use super::callback::guard;
use super::module::{self, Module};
use super::reply::c_string;
use crate::config::{ModuleConfig, NUMBERS, Number};

/// Registers every setting and loads the values of redis.conf.
pub(super) fn register(ctx: *mut Ctx) -> bool {
    let numbers = NUMBERS.iter().all(|number| register_number(ctx, number));
    // SAFETY: our own callbacks; the name is copied.
    let timer = unsafe {
        call!(RedisModule_RegisterBoolConfig(
            ctx,
            c"timer".as_ptr(),
            c_int::from(ModuleConfig::default().timer),
            raw::REDISMODULE_CONFIG_DEFAULT,
            Some(get_timer),
            Some(set_timer),
            None,
            std::ptr::null_mut()
        ))
    };
    // SAFETY: all settings are registered.
    numbers && timer == OK && unsafe { call!(RedisModule_LoadConfigs(ctx)) } == OK
}

fn register_number(ctx: *mut Ctx, number: &'static Number) -> bool {
    let (min, default, max) = number.range;
    let name = c_string(number.name);
    // Sizes may be given as 1mb.
    let flags = if number.name == "max-payload" {
        raw::REDISMODULE_CONFIG_MEMORY
    } else {
        raw::REDISMODULE_CONFIG_DEFAULT
    };
    let data = std::ptr::from_ref(number).cast_mut().cast::<c_void>();
    // SAFETY: our own callbacks; the name is copied, and the data is static.
    unsafe {
        call!(RedisModule_RegisterNumericConfig(
            ctx,
            name.as_ptr(),
            default,
            flags,
            min,
            max,
            Some(get_number),
            Some(set_number),
            None,
            data
        )) == OK
    }
}

/// The setting a callback is about.
fn number<'a>(data: *mut c_void) -> Option<&'a Number> {
    // SAFETY: `register_number` gave it: never null, always an entry of a static table.
    unsafe { data.cast::<Number>().as_ref() }
}

unsafe extern "C" fn get_number(_name: *const c_char, data: *mut c_void) -> c_longlong {
    guard(|| {
        let mut settings = module::settings();
        number(data).map_or(0, |number| *(number.field)(&mut settings))
    })
    .unwrap_or(0)
}

unsafe extern "C" fn set_number(
    _name: *const c_char,
    value: c_longlong,
    data: *mut c_void,
    _error: *mut *mut RawText,
) -> c_int {
    let change = |number: &Number| {
        module::change_settings(|settings| *(number.field)(settings) = value);
        if ["events-retain", "history-queues"].contains(&number.name) {
            module::soon(|module| {
                module.state.wake_all();
                module.arm_now();
            });
        }
    };
    match guard(|| number(data).map(change)) {
        Some(Some(())) => OK,
        _ => ERR,
    }
}

unsafe extern "C" fn get_timer(_name: *const c_char, _data: *mut c_void) -> c_int {
    guard(|| c_int::from(module::settings().timer)).unwrap_or(0)
}

unsafe extern "C" fn set_timer(
    _name: *const c_char,
    value: c_int,
    _data: *mut c_void,
    _error: *mut *mut RawText,
) -> c_int {
    let switched = guard(|| {
        module::change_settings(|settings| settings.timer = value != 0);
        module::soon(timer_switched);
    });
    if switched.is_some() { OK } else { ERR }
}

/// `steward.timer` was set. With `no` the timer is not armed again until the next `yes`.
fn timer_switched(module: &mut Module) {
    module.timer.stop();
    module.refused = false;
    module.set_frozen(!module::settings().timer);
    module.arm_now();
}
