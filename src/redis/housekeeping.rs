//! Keeps memory small and the sums of INFO right, on replicas too.

use std::time::{Duration, Instant};

use super::api::Ctx;
use super::handles::Handles;
use super::keyspace::{Effects, ServerKeys};
use super::module::{self, Module};
use super::transaction::{Mode, run as run_transaction};
use crate::membership::overview as services;
use crate::names::Name;
use crate::task::{history, overview as queues};
use crate::timer;

/// Names that are measured in one transaction.
const TOGETHER: usize = 8;
/// Transactions that one INFO runs: up to so many names are measured at once.
const AT_ONCE: usize = 4;

/// Does what there is to do, for the length of a slice.
pub(super) fn run(ctx: *mut Ctx, slice: Duration) {
    let begun = Instant::now();
    let mut more = true;
    while more && begun.elapsed() < slice {
        let others = module::with(|module| {
            let now = module.clock.steady();
            let state = &mut module.state;
            state.sweep_some() | state.revisit_some() | state.settle_next(now)
        });
        more = measure(ctx) || others == Some(true);
    }
}

/// Measures the next names; whether there may be more.
fn measure(ctx: *mut Ctx) -> bool {
    let wait = module::with(|module| {
        let now = module.clock.steady();
        module.state.next_keeping(now)
    });
    if wait != Some(Some(0)) {
        return false;
    }
    let measured = run_transaction(ctx, Mode::Reads, |tx| {
        for _ in 0..TOGETHER {
            let Some(name) = tx.state.next_to_measure(tx.context.steady) else {
                return Ok(false);
            };
            timer::measure(tx, &name);
        }
        Ok(true)
    });
    measured == Ok(true)
}

/// Measures the names that were touched since, if they are few.
pub(super) fn measure_few(ctx: *mut Ctx) {
    module::with(|module| module.state.measure_few(AT_ONCE * TOGETHER));
    for _ in 0..AT_ONCE {
        measure(ctx);
    }
}

/// Forgets a name whose slot is no longer completely here, if its last key has gone; whether it has.
pub(super) fn forget_moved(ctx: *mut Ctx, name: &Name) -> bool {
    module::with(|module| forget_if_gone(module, ctx, name)).unwrap_or(false)
}

fn forget_if_gone(module: &mut Module, ctx: *mut Ctx, name: &Name) -> bool {
    let Module { state, texts, open, .. } = module;
    let mut keys = ServerKeys::new(Handles::new(ctx, false, false, texts, open), Effects::PassedOn);
    let gone =
        !queues::exists(&mut keys, name) && !services::exists(&mut keys, name) && !history::exists(&mut keys, name);
    keys.finish();
    if gone {
        state.names.histories.remove(name);
        state.forget(name);
    }
    gone
}
