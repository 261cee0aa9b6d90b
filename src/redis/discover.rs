//! Finds the queues that are there when the module is loaded into a running server. Loading a file tells
//! us every key; this is for MODULE LOAD. In slices, with the timer.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use redis_module::raw::{RedisModuleKey, RedisModuleScanCursor};

use super::api::{Ctx, OK, RawText, bytes_of, call};
use super::module;
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

/// Starts the search.
pub(super) fn start() {
    // SAFETY: made here, destroyed at the end of the search.
    let cursor = unsafe { call!(RedisModule_ScanCursorCreate()) };
    module::with(|module| module.timer.discovery = Some(Discovery { db: 0, cursor }));
}

/// One slice of the search, when there is one.
pub(super) fn step(ctx: *mut Ctx, slice: Duration) {
    let Some(Some(mut search)) = module::with(|module| module.timer.discovery.take()) else {
        return;
    };
    let begun = Instant::now();
    let mut found: Vec<(Name, Touched)> = Vec::new();
    let mut more = true;
    // SAFETY: a context the server lent us; the cursor is ours; `on_key` gets the vector and its database.
    unsafe {
        while more && begun.elapsed() < slice {
            if call!(RedisModule_SelectDb(ctx, search.db)) != OK {
                call!(RedisModule_ScanCursorDestroy(search.cursor));
                more = false;
                break;
            }
            let mut seen = Seen {
                db: search.db,
                found: &mut found,
            };
            let data = (&raw mut seen).cast::<c_void>();
            if call!(RedisModule_Scan(ctx, search.cursor, Some(on_key), data)) == 0 {
                search.db += 1;
                call!(RedisModule_ScanCursorRestart(search.cursor));
            }
        }
    }
    module::with(|module| {
        for (name, what) in found {
            module.state.touched(&name, what);
        }
        if more {
            module.timer.discovery = Some(search);
        }
    });
}

struct Seen<'f> {
    db: i32,
    found: &'f mut Vec<(Name, Touched)>,
}

unsafe extern "C" fn on_key(_ctx: *mut Ctx, text: *mut RawText, _key: *mut RedisModuleKey, data: *mut c_void) {
    // SAFETY: `data` is what `step` gave; the key's name lives through this call.
    unsafe {
        if let Some(seen) = data.cast::<Seen<'_>>().as_mut()
            && let Some((name, what @ (Touched::Queue | Touched::Service))) = owner(seen.db, bytes_of(text))
        {
            seen.found.push((name, what));
        }
    }
}
