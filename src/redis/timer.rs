//! The one timer: armed for the earliest moment at which anything is to be done, never for longer than a
//! minute, and working in slices.

use std::ffi::c_void;
use std::ptr;
use std::time::{Duration, Instant};

use redis_module::raw::RedisModuleTimerID as TimerId;

use super::api::{Ctx, Flags, call};
use super::discover::{self, Discovery};
use super::dispatch::guard;
use super::module::{self, Module};
use super::probe::Slot;
use super::transaction::{Mode, run};
use super::{block, events, housekeeping, probe};
use crate::context::Context;
use crate::names::Name;
use crate::tick;
use crate::time::{Ms, Steady};

/// Shortest period of a timer armed from a timer or a command, ms. A period of 0 re-armed from its own
/// callback starves all clients.
pub(super) const SOON: Ms = 1;
/// Period of a timer armed from a callback of an event, which may not write itself.
pub(super) const AT_ONCE: Ms = 0;
/// Longest period, ms: Redis 7.0 spins for periods above 2,147 s.
const LONGEST: Ms = 60_000;
/// How often it is seen whether writes are allowed again, ms.
const POLL: Ms = 10;
/// A timer that is later than this is not waited for any more, ms.
const OVERDUE: Ms = 100;
/// When a queue that could not be served is looked at again, ms.
const RETRY: Ms = 100;

/// The one timer.
#[derive(Debug)]
pub(super) struct Timer {
    /// A context that lives as long as the module.
    ctx: *mut Ctx,
    armed: Option<Armed>,
    /// Whether writes are refused; nobody tells when that ends.
    refused: bool,
    /// The search for the queues that were there when the module was loaded.
    pub discovery: Option<Discovery>,
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
            armed: None,
            refused: false,
            discovery: None,
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
    /// Gives the timer its context.
    pub(super) fn init(&mut self, ctx: *mut Ctx) {
        self.ctx = ctx;
    }

    /// A context that lives as long as the module.
    pub(super) fn context(&self) -> *mut Ctx {
        self.ctx
    }

    /// Whether the armed timer should have fired long ago.
    pub(super) fn is_overdue(&self, now: Steady) -> bool {
        self.armed.is_some_and(|armed| now.since(armed.due) > OVERDUE)
    }
}

/// Makes sure the timer fires when there is something to do, `least` ms from now at the earliest. A server
/// that does not decide only ends the waits of its clients.
pub(super) fn arm(module: &mut Module, context: &Context, least: Ms) {
    let ends = module.blocked.next_deadline(context.steady);
    let Some(next) = next_work(module, context).into_iter().chain(ends).min() else {
        return;
    };
    let due_in = |wait: Ms| context.steady.after(wait.clamp(least, LONGEST));
    let timer = &mut module.timer;
    let is_early = |due: Steady| timer.armed.is_some_and(|armed| armed.due <= due);
    if timer.ctx.is_null() || is_early(due_in(next)) {
        return;
    }
    let wait = if Flags::of(timer.ctx).decides() {
        Some(next)
    } else {
        ends
    };
    let Some(wait) = wait.filter(|wait| !is_early(due_in(*wait))) else {
        return;
    };
    let due = due_in(wait);
    let wait = due.since(context.steady);
    stop(timer);
    // SAFETY: a context that lives as long as the module.
    let id = unsafe {
        call!(RedisModule_CreateTimer(
            timer.ctx,
            wait,
            Some(on_timer),
            ptr::null_mut()
        ))
    };
    timer.armed = Some(Armed { id, due });
}

/// Something has happened in a callback: the timer deals with it as soon as the server can.
pub(super) fn arm_now(module: &mut Module) {
    let context = module.context();
    arm(module, &context, AT_ONCE);
}

/// The operator said `steward.timer yes` or `no`. His next word ends that, so nothing is armed for it meanwhile.
pub(super) fn switched(module: &mut Module) {
    stop(&mut module.timer);
    module.timer.refused = false;
    hold(module, !module::settings().timer);
    arm_now(module);
}

/// How long until there is something to do with the data.
fn next_work(module: &Module, context: &Context) -> Option<Ms> {
    let least = if module.timer.refused { POLL } else { 0 };
    let due = module.state.wakeups.next(context).filter(|_| context.config.timer);
    let due = due.map(|wait| wait.max(least));
    let search = module.timer.discovery.as_ref().map(|_| SOON);
    due.into_iter().chain(search).min()
}

fn stop(timer: &mut Timer) {
    if let Some(armed) = timer.armed.take() {
        // SAFETY: our timer; one that has fired meanwhile is refused.
        unsafe { call!(RedisModule_StopTimer(timer.ctx, armed.id, ptr::null_mut())) };
    }
}

unsafe extern "C" fn on_timer(ctx: *mut Ctx, _data: *mut c_void) {
    guard(|| {
        // Dead on entry: stopping the running timer frees it twice.
        module::with(|module| module.timer.armed = None);
        work(ctx);
    });
}

/// Does the timer's work from another callback, when the timer itself is held back.
pub(super) fn work_now(ctx: *mut Ctx) {
    module::with(|module| stop(&mut module.timer));
    work(ctx);
}

/// One slice of everything that is due.
fn work(ctx: *mut Ctx) {
    let flags = Flags::of(ctx);
    let begun = Instant::now();
    let slice = Duration::from_micros(u64::try_from(module::settings().timer_slice).unwrap_or(0));
    module::with(|module| {
        events::note_stall(module);
        let now = module.clock.steady();
        block::end_overdue(module, now);
    });
    if !flags.decides() {
        module::with(|module| {
            let context = module.context();
            arm(module, &context, SOON);
        });
        return;
    }
    discover::step(ctx, slice);
    let mut allowed = false;
    while let Some(Some(name)) = module::with(take_due) {
        // First, since a write to a slot that went elsewhere is refused as well, but holds nothing else up.
        if flags.in_cluster() && probe::slot(ctx, &name) == Slot::Elsewhere {
            if housekeeping::look_after_move(ctx, &name) {
                put_back(&name, RETRY);
            }
            break;
        }
        if !allowed {
            let refused = stands_still(ctx, &name);
            module::with(|module| {
                module.timer.refused = refused;
                if refused {
                    module.state.wakeups.now(&name);
                }
            });
            if refused {
                break;
            }
            allowed = true;
        }
        if run(ctx, Mode::Writes, |tx| {
            tx.context.memory_full = flags.memory_full();
            tick::run(tx, &name);
            Ok(())
        })
        .is_err()
        {
            put_back(&name, RETRY);
        }
        // The server lets the effects of one callback touch one slot only.
        if flags.in_cluster() || begun.elapsed() >= slice {
            break;
        }
    }
    housekeeping::run(ctx);
    module::with(|module| {
        let context = module.context();
        arm(module, &context, SOON);
    });
}

fn take_due(module: &mut Module) -> Option<Name> {
    let context = module.context();
    module.state.wakeups.take_due(&context)
}

/// Looks whether time stands still although nothing is due yet: a lease that ends later, and a member that is not
/// heard now, are owed that time too.
pub(super) fn look_for_standstill(ctx: *mut Ctx) {
    let flags = Flags::of(ctx);
    let next = module::with(|module| module.state.wakeups.next_on_steady().cloned());
    let Some(Some(name)) = next.filter(|_| flags.decides()) else {
        return;
    };
    if flags.in_cluster() && probe::slot(ctx, &name) == Slot::Elsewhere {
        return;
    }
    stands_still(ctx, &name);
}

/// Whether writes are refused, and time stands still with them. The time it does is added to every lease afterwards.
fn stands_still(ctx: *mut Ctx, name: &Name) -> bool {
    let refused = probe::writes_are_refused(ctx, name);
    module::with(|module| hold(module, refused));
    refused
}

/// From now on time stands still, or goes on.
fn hold(module: &mut Module, still: bool) {
    let now = module.clock.steady();
    if still {
        module.state.stalls.freeze(now);
    } else {
        module.state.stalls.thaw(now);
    }
}

fn put_back(name: &Name, wait: Ms) {
    module::with(|module| {
        let moment = module.clock.steady().after(wait);
        module.state.wakeups.at_steady(name, moment);
    });
}
