//! The one timer of the module.

use std::ffi::c_void;
use std::ptr;

use redis_module::raw::RedisModuleTimerID as TimerId;

use super::api::{Ctx, call};
use crate::time::{Ms, Steady};

/// Shortest period of a timer armed from a timer or a command, ms. A timer that re-arms itself with 0 starves all
/// clients.
pub(super) const SOON: Ms = 1;
/// Period of a timer armed from a callback of an event, which may not write itself.
pub(super) const AT_ONCE: Ms = 0;
/// Longest period, ms: Redis 7.0 spins for periods above 2,147 s.
pub(super) const LONGEST: Ms = 60_000;
/// A timer that is later than this is no longer waited for, ms.
const OVERDUE: Ms = 100;

/// The callback of the timer.
pub(super) type OnTimer = unsafe extern "C" fn(*mut Ctx, *mut c_void);

/// The timer.
#[derive(Debug)]
pub(super) struct Timer {
    /// A context that lives as long as the module.
    ctx: *mut Ctx,
    on_timer: Option<OnTimer>,
    armed: Option<Armed>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    id: TimerId,
    due: Steady,
}

impl Default for Timer {
    fn default() -> Timer {
        Timer {
            ctx: ptr::null_mut(),
            on_timer: None,
            armed: None,
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.ctx.is_null() {
            // SAFETY: ours; the timer is not armed, or the server would not unload the module.
            unsafe { call!(RedisModule_FreeThreadSafeContext(self.ctx)) };
        }
    }
}

impl Timer {
    /// Gives the timer its context and callback.
    pub(super) fn init(&mut self, ctx: *mut Ctx, on_timer: OnTimer) {
        self.ctx = ctx;
        self.on_timer = Some(on_timer);
    }

    /// A context that lives as long as the module.
    pub(super) fn context(&self) -> *mut Ctx {
        self.ctx
    }

    /// Whether it will fire by then without being re-armed; also true before it has a context.
    pub(super) fn fires_by(&self, due: Steady) -> bool {
        self.ctx.is_null() || self.armed.is_some_and(|armed| armed.due <= due)
    }

    /// Makes it fire within `wait` ms from now.
    pub(super) fn arm(&mut self, now: Steady, wait: Ms) {
        let due = now.after(wait);
        if self.fires_by(due) {
            return;
        }
        self.stop();
        // SAFETY: a context that lives as long as the module, and a function of ours.
        let id = unsafe { call!(RedisModule_CreateTimer(self.ctx, wait, self.on_timer, ptr::null_mut())) };
        self.armed = Some(Armed { id, due });
    }

    /// Disarms it.
    pub(super) fn stop(&mut self) {
        if let Some(armed) = self.armed.take() {
            // SAFETY: our timer; if it has fired meanwhile, the call is refused.
            unsafe { call!(RedisModule_StopTimer(self.ctx, armed.id, ptr::null_mut())) };
        }
    }

    /// Must be called first when it fires: stopping a running timer would free it twice.
    pub(super) fn fired(&mut self) {
        self.armed = None;
    }

    /// Whether it should have fired long ago.
    pub(super) fn is_overdue(&self, now: Steady) -> bool {
        self.armed.is_some_and(|armed| now.since(armed.due) > OVERDUE)
    }
}
