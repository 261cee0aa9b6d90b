//! The edge of a unit of work. Every entry that touches the data comes through [`run`]: it reads the
//! clocks, lets the domain work, and then sends out everything at once: effects to replicas and the
//! append-only file, answers to waiting clients, the timer's next moment, complaints to the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::api::{Ctx, Level, log};
use super::handles::Handles;
use super::keyspace::ServerKeys;
use super::state::{self, State};
use super::{block, timer};
use crate::error::Error;
use crate::unit::Unit;

/// What a unit does to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only looks.
    Reads,
    /// Writes, and its effects are replicated.
    Writes,
    /// Carries out a record that is passed on as it came.
    Applies,
}

/// Runs one unit. `Internal` when it panicked, or when it was called from inside another one (from a
/// callback of another module on one of our writes); what a panicking unit had written goes out all the
/// same, so that replicas hold what this server holds.
pub fn run<R>(ctx: *mut Ctx, mode: Mode, work: impl FnOnce(&mut Unit<'_>) -> Result<R, Error>) -> Result<R, Error> {
    state::with(|state| {
        let env = state.env();
        let State {
            memory,
            texts,
            observed,
            ..
        } = state;
        let handles = Handles::new(ctx, mode != Mode::Reads, *observed, texts);
        let mut keys = ServerKeys::new(handles, mode == Mode::Writes);
        let mut unit = Unit {
            keys: &mut keys,
            memory,
            env,
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut unit))).unwrap_or(Err(Error::Internal));
        // What was written goes out all the same: replicas must hold what this server holds.
        if result.is_err() && !keys.is_untouched() {
            log(
                Level::Warning,
                "a defect of steward: a unit of work failed after it had written",
            );
        }
        keys.finish();
        block::deliver(state);
        for complaint in std::mem::take(&mut state.memory.complaints) {
            log(Level::Warning, &complaint);
        }
        if mode != Mode::Applies {
            timer::arm(state, &env, timer::SOON);
        }
        result
    })
    .unwrap_or(Err(Error::Internal))
}
