//! Finds the queues that exist when MODULE LOAD loads the module into a running server; the loading of a file notifies
//! us of every key. Done in slices by the timer.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use redis_module::raw::{RedisModuleKey, RedisModuleScanCursor};

use super::api::{Ctx, OK, RawText, bytes_of, call};
use super::callback::guard;
use super::databases;
use crate::names::{Name, Touched, owner};

/// How far the search is.
#[derive(Debug)]
pub(super) struct Discovery {
    db: i32,
    cursor: *mut RedisModuleScanCursor,
}

/// Whether there is any data, in any database.
pub(super) fn has_data(ctx: *mut Ctx) -> bool {
    // SAFETY: a context the server lent us; the database it had is selected again.
    unsafe {
        let before = call!(RedisModule_GetSelectedDb(ctx));
        let mut db = 0;
        let mut found = false;
        while !found && call!(RedisModule_SelectDb(ctx, db)) == OK {
            found = call!(RedisModule_DbSize(ctx)) > 0;
            db += 1;
        }
        call!(RedisModule_SelectDb(ctx, before));
        found
    }
}

impl Discovery {
    /// Starts a search.
    pub(super) fn start() -> Discovery {
        // SAFETY: created here, destroyed with the search.
        let cursor = unsafe { call!(RedisModule_ScanCursorCreate()) };
        Discovery { db: 0, cursor }
    }

    /// Searches for the length of a slice; `false` when the search is complete.
    pub(super) fn step(&mut self, ctx: *mut Ctx, slice: Duration, found: &mut Vec<(Name, Touched)>) -> bool {
        let begun = Instant::now();
        // SAFETY: a context the server lent us; the cursor is ours; `on_key` gets the vector and its database.
        unsafe {
            while begun.elapsed() < slice {
                if call!(RedisModule_SelectDb(ctx, self.db)) != OK {
                    return false;
                }
                let mut seen = Seen {
                    db: databases::id(self.db),
                    found,
                };
                let data = (&raw mut seen).cast::<c_void>();
                if call!(RedisModule_Scan(ctx, self.cursor, Some(on_key), data)) == 0 {
                    self.db += 1;
                    call!(RedisModule_ScanCursorRestart(self.cursor));
                }
            }
        }
        true
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { call!(RedisModule_ScanCursorDestroy(self.cursor)) };
    }
}

struct Seen<'f> {
    db: i32,
    found: &'f mut Vec<(Name, Touched)>,
}

unsafe extern "C" fn on_key(_ctx: *mut Ctx, text: *mut RawText, _key: *mut RedisModuleKey, data: *mut c_void) {
    guard(|| {
        // SAFETY: `data` is what `Discovery::step` gave; the key's name lives through this call.
        unsafe {
            if let Some(seen) = data.cast::<Seen<'_>>().as_mut()
                && let Some((name, what @ (Touched::Queue | Touched::Service | Touched::History))) =
                    owner(seen.db, bytes_of(text))
            {
                seen.found.push((name, what));
            }
        }
    });
}
