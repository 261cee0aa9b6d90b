//! `steward.contract <queue> [CLOCK unix-us | PLAIN | WORK | REPLY]`, in debug builds only: the suite of the port, on the
//! server's keys; or it sets the clocks, counts the plain steps, or panics at work or amid a reply.

use std::ffi::c_int;

use super::api::{Ctx, OK, RawText, call};
use super::callback::arguments;
use super::transaction::{Mode, run};
use super::{databases, module, reply};
use crate::error::Error;
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
    // SAFETY: as the server promises.
    let argv = unsafe { arguments(argv, argc) };
    reply::answer(ctx, || match argv.as_slice() {
        [_, name] => check(ctx, name),
        [_, _, b"CLOCK", us] => {
            let us = std::str::from_utf8(us).ok().and_then(|us| us.parse().ok());
            module::with(|module| {
                module.clock.set(us.unwrap_or(0));
                module.state.since = module.context().wall;
            });
            Ok(Some(Reply::OK))
        }
        [_, _, b"PLAIN"] => Ok(module::with(|module| Reply::number(module.plain))),
        [_, _, b"REPLY"] => {
            reply::whole(ctx, || {
                // SAFETY: a context with a client to answer.
                unsafe { call!(RedisModule_ReplyWithArray(ctx, 2)) };
                reply::write(ctx, &Reply::Int(1));
                defect();
            });
            Ok(None)
        }
        _ => defect(),
    })
}

fn check(ctx: *mut Ctx, name: &[u8]) -> Result<Option<Reply>, Error> {
    // SAFETY: a context the server lent us.
    let db = unsafe { call!(RedisModule_GetSelectedDb(ctx)) };
    let name = Name::new(databases::id(db), name)?;
    let kept = run(ctx, Mode::Writes, |tx| Ok(contract::run(tx.keys, &name)))?;
    Ok(Some(kept.map_or_else(Reply::text, |()| Reply::OK)))
}

#[allow(clippy::panic, reason = "what it is for")]
fn defect() -> ! {
    panic!("asked for by a test")
}
