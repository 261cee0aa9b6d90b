//! `steward.contract <queue>`, in debug builds only: the suite of the port, on the server's keys.

use std::ffi::c_int;

use super::api::{Ctx, OK, RawText, call};
use super::callback::{arguments, guard};
use super::reply;
use super::transaction::{Mode, run};
use crate::keyspace::contract;
use crate::names::Name;
use crate::reply::Reply;

/// Registers the command.
pub(super) fn register(ctx: *mut Ctx) -> bool {
    // SAFETY: static texts and our own function.
    unsafe {
        call!(RedisModule_CreateCommand(
            ctx,
            c"steward.contract".as_ptr(),
            Some(on_contract),
            c"write deny-script".as_ptr(),
            1,
            1,
            1
        )) == OK
    }
}

unsafe extern "C" fn on_contract(ctx: *mut Ctx, argv: *mut *mut RawText, argc: c_int) -> c_int {
    guard(|| {
        // SAFETY: as the server promises.
        let argv = unsafe { arguments(argv, argc) };
        // SAFETY: a context the server lent us.
        let db = unsafe { call!(RedisModule_GetSelectedDb(ctx)) };
        let [_, name] = argv.as_slice() else {
            // SAFETY: a context with a client to answer.
            unsafe { call!(RedisModule_WrongArity(ctx)) };
            return;
        };
        let result =
            Name::new(db, name).and_then(|name| run(ctx, Mode::Writes, |tx| Ok(contract::run(tx.keys, &name))));
        match result {
            Ok(Ok(())) => reply::write(ctx, &Reply::OK),
            Ok(Err(why)) => reply::write(ctx, &Reply::text(why)),
            Err(error) => reply::write_error(ctx, &error),
        }
    });
    OK
}
