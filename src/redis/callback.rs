//! Shared by all callbacks of the server: their arguments, and a guard against panics.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use smallvec::SmallVec;

use super::api::{RawText, bytes_of};

/// The arguments as byte slices.
///
/// # Safety
/// `argv` points to `argc` strings that live, unchanged, as long as the slices are used.
pub(super) unsafe fn arguments<'a>(argv: *mut *mut RawText, argc: c_int) -> SmallVec<[&'a [u8]; 8]> {
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: as the caller promises.
    unsafe { (0..count).map(|at| bytes_of(*argv.add(at))).collect() }
}

/// Runs the body of a callback; `None` when it panicked. Unwinding must not reach the server.
pub(super) fn guard<R>(body: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}
