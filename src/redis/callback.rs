//! Shared by all callbacks of the server: their arguments, and a guard against panics.

use std::cell::Cell;
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

/// The arguments as strings of the server.
///
/// # Safety
/// `argv` points to `argc` strings that live as long as the slice is used.
pub(super) unsafe fn texts<'a>(argv: *mut *mut RawText, argc: c_int) -> &'a [*mut RawText] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(argv, usize::try_from(argc).unwrap_or(0)) }
}

thread_local! {
    static IS_MAIN: Cell<bool> = const { Cell::new(false) };
}

/// Declares this thread the server's main thread, which owns the module's state.
pub(super) fn enter_main_thread() {
    IS_MAIN.set(true);
}

/// Runs the body of a callback; `None` when it panicked. Unwinding must not reach the server. On any other thread than
/// the main one, where the module's state is empty, the body does not run, which is logged as a panic.
pub(super) fn guard<R>(body: impl FnOnce() -> R) -> Option<R> {
    let body = || {
        assert!(IS_MAIN.get(), "called outside the server's main thread");
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_runs_on_the_main_thread_only_and_a_panic_ends_there() {
        assert_eq!(guard(|| 1), None);
        enter_main_thread();
        assert_eq!(guard(|| 1), Some(1));
        assert_eq!(guard(|| panic!("a defect")), None::<()>);
        let elsewhere = std::thread::spawn(|| guard(|| 1));
        assert_eq!(elsewhere.join().unwrap(), None);
    }
}
