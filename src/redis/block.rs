//! Blocks clients and answers them later.
//!
//! The server's own timeout is not used: if it runs out in the event-loop turn in which the client is served, the
//! server drops the client without a reply (seen in its source, 7.0 to 8.x). So clients are blocked without a timeout,
//! and our timer ends their waits.

use std::ffi::{c_int, c_void};

use redis_module::raw::RedisModuleBlockedClient as Handle;

use super::api::{Ctx, OK, RawText, call};
use super::blocked::Client;
use super::callback::guard;
use super::module::{self, Module};
use super::reply;
use super::timer::SOON;
use crate::error::Error;
use crate::reply::Reply;
use crate::time::Steady;
use crate::waiting::{Granted, Ticket, Timeout, WaitFor, Waiter};

/// The answer at the end of a wait, and what the client was granted with it.
#[derive(Debug)]
struct Served {
    answer: Result<Reply, Error>,
    granted: Vec<Granted>,
    delivered: bool,
}

/// Blocks the client of this context, which has this connection.
pub(super) fn block_client(ctx: *mut Ctx, connection: u64, wait_for: WaitFor, timeout: Timeout) {
    module::with(|module| {
        let context = module.context();
        // SAFETY: the client may be blocked, as was checked; the callbacks are ours.
        let handle = unsafe {
            let handle = call!(RedisModule_BlockClient(
                ctx,
                Some(on_reply),
                Some(on_timeout),
                Some(on_free),
                0
            ));
            call!(RedisModule_SetDisconnectCallback(handle, Some(on_disconnect)));
            handle
        };
        let waiter = Waiter {
            connection,
            wait_for,
            timeout,
        };
        let (ticket, deadline) = module.state.wait(waiter, context.steady);
        module.blocked.add(ticket, Client { handle, deadline });
        module.arm(&context, SOON);
    });
}

/// Answers the clients whose wait ended in this transaction.
pub(super) fn deliver(module: &mut Module) {
    for answered in module.state.waiting.take_answered() {
        match module.blocked.remove(answered.ticket) {
            Some(handle) => unblock(handle, answered.reply, answered.granted),
            None => give_back(module, answered.granted),
        }
    }
}

/// Ends the waits that have timed out.
pub(super) fn end_overdue(module: &mut Module, now: Steady) {
    while let Some((ticket, handle)) = module.blocked.remove_overdue(now) {
        module.state.waiting.leave(ticket);
        unblock(handle, Ok(Reply::NullArray), Vec::new());
    }
}

/// Ends the wait of these clients with an error.
pub(super) fn refuse(module: &mut Module, tickets: &[Ticket], error: &Error) {
    for &ticket in tickets {
        module.state.waiting.leave(ticket);
        if let Some(handle) = module.blocked.remove(ticket) {
            unblock(handle, Err(error.clone()), Vec::new());
        }
    }
}

fn unblock(handle: *mut Handle, answer: Result<Reply, Error>, granted: Vec<Granted>) {
    let served = Box::new(Served {
        answer,
        granted,
        delivered: false,
    });
    // SAFETY: the client was taken out of the table, so this happens once; `on_free` takes the box back.
    unsafe {
        call!(RedisModule_UnblockClient(
            handle,
            Box::into_raw(served).cast::<c_void>()
        ))
    };
}

fn give_back(module: &mut Module, granted: Vec<Granted>) {
    for claim in granted {
        module.state.returned(claim);
    }
}

/// Removes a client whose wait was ended from outside; `false` unless it was still waiting.
fn leave(module: &mut Module, handle: *mut Handle) -> bool {
    let ticket = module.blocked.remove_handle(handle);
    if let Some(ticket) = ticket {
        module.state.waiting.leave(ticket);
    }
    ticket.is_some()
}

unsafe extern "C" fn on_reply(ctx: *mut Ctx, _argv: *mut *mut RawText, _argc: c_int) -> c_int {
    guard(|| {
        // SAFETY: what `unblock` gave; the server frees it, by `on_free`, only later.
        let served = unsafe {
            call!(RedisModule_GetBlockedClientPrivateData(ctx))
                .cast::<Served>()
                .as_mut()
        };
        match served {
            Some(served) => {
                served.delivered = reply::whole(ctx, || match &served.answer {
                    Ok(answer) => reply::write(ctx, answer),
                    Err(error) => reply::write_error(ctx, error),
                });
            }
            None => reply::write(ctx, &Reply::NullArray),
        }
    });
    OK
}

/// Gives back what was granted to a client that disconnected before it got its reply.
unsafe extern "C" fn on_free(_ctx: *mut Ctx, data: *mut c_void) {
    if data.is_null() {
        return;
    }
    // SAFETY: what `unblock` gave, back once.
    let served = unsafe { Box::from_raw(data.cast::<Served>()) };
    guard(|| {
        if !served.delivered && !served.granted.is_empty() {
            module::soon(move |module| {
                give_back(module, served.granted);
                module.arm_now();
            });
        }
    });
}

/// Called for CLIENT UNBLOCK only: timeouts are our own.
unsafe extern "C" fn on_timeout(ctx: *mut Ctx, _argv: *mut *mut RawText, _argc: c_int) -> c_int {
    guard(|| {
        // SAFETY: a context of a blocked client.
        let handle = unsafe { call!(RedisModule_GetBlockedClientHandle(ctx)) };
        reply::write(ctx, &Reply::NullArray);
        module::soon(move |module| {
            if leave(module, handle) {
                // SAFETY: the client was taken out of the table, so this happens once. Without it the handle would stay
                // and the module could never be unloaded.
                unsafe { call!(RedisModule_UnblockClient(handle, std::ptr::null_mut())) };
            }
        });
    });
    OK
}

/// Called when the client disconnected, was killed or was unblocked with an error, and on demotion.
unsafe extern "C" fn on_disconnect(_ctx: *mut Ctx, handle: *mut Handle) {
    guard(|| {
        module::soon(move |module| {
            // A client that has been served is not in the table: `on_free` notices that it is gone.
            if leave(module, handle) {
                // SAFETY: as above.
                unsafe { call!(RedisModule_AbortBlock(handle)) };
            }
        });
    });
}
