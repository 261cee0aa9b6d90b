//! The timer's work: everything that is due, in slices.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use super::api::{Ctx, Flags};
use super::callback::guard;
use super::module::{self, Module};
use super::probe::{self, Slot};
use super::timer::SOON;
use super::transaction::{Mode, run};
use super::{block, databases, housekeeping};
use crate::names::Name;
use crate::time::Ms;
use crate::timer;

/// A queue that could not be served is retried after this long, ms.
const RETRY: Ms = 100;

/// The timer's callback.
///
/// # Safety
/// Called by the server.
pub(super) unsafe extern "C" fn on_timer(ctx: *mut Ctx, _data: *mut c_void) {
    guard(|| {
        let may_arm = module::with(|module| {
            module.timer.fired();
            module.pulse.fire()
        });
        if may_arm == Some(true) {
            work(ctx);
        }
    });
}

/// Does the timer's work from another callback, when the timer itself is late.
pub(super) fn work_now(ctx: *mut Ctx) {
    module::with(|module| module.timer.stop());
    work(ctx);
}

/// One slice of everything that is due.
fn work(ctx: *mut Ctx) {
    let flags = Flags::of(ctx);
    let begun = Instant::now();
    let slice = Duration::from_micros(u64::try_from(module::settings().timer_slice).unwrap_or(0));
    module::with(|module| {
        module.count_stall();
        let now = module.clock.steady();
        block::end_overdue(module, now);
    });
    housekeeping::run(ctx, slice / 4);
    if flags.decides() {
        discover(ctx, slice);
        serve_due(ctx, flags, begun, slice);
    }
    module::with(|module| {
        let context = module.context();
        module.arm(&context, SOON);
    });
}

/// One slice of the search for queues, while there is one.
fn discover(ctx: *mut Ctx, slice: Duration) {
    let Some(Some(mut search)) = module::with(|module| module.discovery.take()) else {
        return;
    };
    let mut found = Vec::new();
    let more = search.step(ctx, slice, &mut found);
    module::with(|module| {
        for (name, what) in found {
            module.state.touched(&name, what);
        }
        module.discovery = more.then_some(search);
    });
}

/// Serves the names that are due, round robin, until the slice is over. All of them are one transaction: the server
/// sends several as MULTI, and one that is torn at the end of an append-only file undoes what is written behind it.
fn serve_due(ctx: *mut Ctx, flags: Flags, begun: Instant, slice: Duration) {
    let Some(Some(mut name)) = module::with(take_due) else {
        return;
    };
    // Checked first: a write to a slot that moved away is refused too, but that does not concern other names.
    if flags.in_cluster() && probe::slot(ctx, &name) == Slot::Elsewhere {
        if !housekeeping::forget_moved(ctx, &name) {
            retry(&name);
        }
        return;
    }
    let refused = freeze_if_refused(ctx, &name);
    module::with(|module| {
        module.refused = refused;
        if refused {
            module.state.names.wake_now(&name);
        }
    });
    if refused {
        return;
    }
    let result = run(ctx, Mode::Writes, |tx| {
        tx.context.memory_full = flags.memory_full();
        loop {
            timer::run(tx, &name);
            // The effects of one callback may touch only one slot.
            if flags.in_cluster() || begun.elapsed() >= slice {
                return Ok(());
            }
            match tx.state.names.take_due(&tx.context) {
                Some(next) if next.db == name.db => name = next,
                // A record concerns one database.
                Some(next) => {
                    tx.state.names.wake_now(&next);
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    });
    if result.is_err() {
        retry(&name);
    }
}

fn take_due(module: &mut Module) -> Option<Name> {
    let context = module.context();
    loop {
        let name = module.state.names.take_due(&context)?;
        if databases::number(name.db).is_some() {
            return Some(name);
        }
        module.state.forget(&name);
    }
}

fn retry(name: &Name) {
    module::with(|module| {
        let moment = module.clock.steady().after(RETRY);
        module.state.names.wake_at_steady(name, moment);
    });
}

/// Freezes leases while writes are refused, even if nothing is due yet: leases that end later, and members that cannot
/// send heartbeats now, must get that time back too.
pub(super) fn check_freeze(ctx: *mut Ctx) {
    let flags = Flags::of(ctx);
    let next = module::with(|module| module.state.names.next_on_steady().cloned());
    let Some(Some(name)) = next.filter(|_| flags.decides()) else {
        return;
    };
    if !probe::refusal_is_likely(ctx, flags) {
        // What the timer has met with, it checks again itself.
        module::with(|module| {
            if !module.refused {
                module.set_frozen(false);
            }
        });
    } else if !flags.in_cluster() || probe::slot(ctx, &name) != Slot::Elsewhere {
        freeze_if_refused(ctx, &name);
    }
}

/// Whether writes are refused; leases are frozen as long as they are.
fn freeze_if_refused(ctx: *mut Ctx, name: &Name) -> bool {
    let refused = probe::writes_are_refused(ctx, name);
    module::with(|module| module.set_frozen(refused));
    refused
}
