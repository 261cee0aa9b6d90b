//! The edge of a transaction. Every entry that touches the data comes through [`run`]: it reads the
//! clocks, lets the domain work, and then sends out everything at once: effects to replicas and the
//! append-only file, answers to waiting clients, the timer's next moment, warnings to the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::api::{Ctx, Level, log};
use super::block;
use super::handles::Handles;
use super::keyspace::ServerKeys;
use super::module::{self, Module};
use super::timer::SOON;
use crate::error::Error;
use crate::tx::Tx;

/// What a transaction does to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only reads.
    Reads,
    /// Writes, and its effects are replicated.
    Writes,
    /// Carries out effects that are passed on as they came.
    Applies,
}

/// Runs one transaction. `Internal` when it panicked, or when it was called from inside another one (from a
/// callback of another module on one of our writes); what a panicking transaction had written goes out all the
/// same, so that replicas hold what this server holds.
pub(super) fn run<R>(
    ctx: *mut Ctx,
    mode: Mode,
    work: impl FnOnce(&mut Tx<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    module::with(|module| {
        let context = module.context();
        let result = {
            let Module {
                state,
                texts,
                open,
                observed,
                ..
            } = module;
            let handles = Handles::new(ctx, mode != Mode::Reads, *observed, texts, open);
            let mut keys = ServerKeys::new(handles, mode == Mode::Writes);
            let mut tx = Tx {
                keys: &mut keys,
                state,
                context,
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut tx))).unwrap_or(Err(Error::Internal));
            // What was written goes out all the same: replicas must hold what this server holds.
            if result.is_err() && !keys.is_untouched() {
                log(
                    Level::Warning,
                    "a defect of steward: a transaction failed after it had written",
                );
            }
            keys.finish();
            result
        };
        block::deliver(module);
        for complaint in std::mem::take(&mut module.state.complaints) {
            log(Level::Warning, &complaint);
        }
        if mode != Mode::Applies {
            module.arm(&context, SOON);
        }
        result
    })
    .unwrap_or(Err(Error::Internal))
}
