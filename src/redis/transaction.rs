//! The edge of a transaction. Every entry that touches the data goes through [`run`]: it reads the clocks, runs the
//! domain, and then sends everything at once: effects to replicas and the append-only file, answers to waiting clients,
//! the timer's next moment, warnings to the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::api::{Ctx, Flags, Level, log};
use super::block;
use super::handles::Handles;
use super::keyspace::{Effects, ServerKeys};
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
    /// Writes at the command of a client: if nobody listens to its effects, they are only counted.
    Commanded(Flags),
    /// Applies effects that are passed on unchanged.
    Applies,
}

/// Runs one transaction. Errors with `Internal` when it panicked, or when it was called from inside another one (from a
/// callback of another module on one of our writes). What a panicking transaction had written is still replicated, so
/// that replicas have the same data.
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
                audience,
                ..
            } = module;
            let handles = Handles::new(ctx, mode != Mode::Reads, *observed, texts, open);
            let effects = match mode {
                Mode::Commanded(flags) if !audience.listens(flags) => Effects::Counted,
                Mode::Writes | Mode::Commanded(_) => Effects::Collected,
                Mode::Reads | Mode::Applies => Effects::PassedOn,
            };
            let mut keys = ServerKeys::new(handles, effects);
            let mut tx = Tx {
                keys: &mut keys,
                state,
                context,
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut tx))).unwrap_or(Err(Error::Internal));
            // What was written before an error is still replicated, so that replicas have the same data.
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
        for line in std::mem::take(&mut module.state.log_lines) {
            log(Level::Warning, &line);
        }
        if mode != Mode::Applies && module.state.take_planned() {
            module.arm(&context, SOON);
        }
        result
    })
    .unwrap_or(Err(Error::Internal))
}
