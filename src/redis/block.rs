//! Held clients. The domain knows them by ticket; here are the server's handles.
//!
//! The server's own timeout is not used: when it runs out in the same turn in which the client was
//! served, the server forgets the client without any reply (seen in its source, 7.0 to 8.x). So each
//! client is held for ever, and the timer ends the waits whose time is over.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{c_int, c_void};

use redis_module::raw::RedisModuleBlockedClient as RawBlocked;

use super::api::{Ctx, OK, RawText, call};
use super::dispatch::guard;
use super::module::{self, Module};
use super::{reply, timer};
use crate::error::Error;
use crate::reply::Reply;
use crate::time::{Ms, Steady};
use crate::waiting::{Granted, Ticket, Timeout, WaitFor, Waiter};

/// The held clients.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    held: HashMap<Ticket, Held>,
    tickets: HashMap<*mut RawBlocked, Ticket>,
    deadlines: BTreeSet<(Steady, Ticket)>,
}

#[derive(Debug)]
struct Held {
    client: *mut RawBlocked,
    deadline: Option<Steady>,
}

/// What a client is told at the end of its wait, and what it holds from then on.
#[derive(Debug)]
struct Served {
    answer: Result<Reply, Error>,
    handed: Vec<Granted>,
    delivered: bool,
}

impl Blocked {
    fn add(&mut self, ticket: Ticket, held: Held) {
        if let Some(deadline) = held.deadline {
            self.deadlines.insert((deadline, ticket));
        }
        self.tickets.insert(held.client, ticket);
        self.held.insert(ticket, held);
    }

    fn remove(&mut self, ticket: Ticket) -> Option<*mut RawBlocked> {
        let held = self.held.remove(&ticket)?;
        if let Some(deadline) = held.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        self.tickets.remove(&held.client);
        Some(held.client)
    }

    /// When the next wait is over.
    pub(super) fn next_deadline(&self, now: Steady) -> Option<Ms> {
        self.deadlines.first().map(|(deadline, _)| deadline.since(now).max(0))
    }

    /// How many clients are held.
    pub(super) fn count(&self) -> usize {
        self.held.len()
    }
}

/// Holds the client of this context, whose connection this is.
pub(super) fn hold(ctx: *mut Ctx, connection: u64, wish: WaitFor, patience: Timeout) {
    module::with(|module| {
        let context = module.context();
        let deadline = match patience {
            Timeout::For(wait) => Some(context.steady.after(wait)),
            Timeout::Forever | Timeout::Sweep => None,
        };
        // SAFETY: a client that may be held, as was checked; the callbacks are ours.
        let client = unsafe {
            let client = call!(RedisModule_BlockClient(
                ctx,
                Some(on_reply),
                Some(on_timeout),
                Some(on_free),
                0
            ));
            call!(RedisModule_SetDisconnectCallback(client, Some(on_disconnect)));
            client
        };
        let ticket = module.state.waiting.join(Waiter {
            connection,
            wish,
            patience,
        });
        module.blocked.add(ticket, Held { client, deadline });
        timer::arm(module, &context, timer::SOON);
    });
}

/// Gives the clients whose wait has ended in this transaction their answers.
pub(super) fn deliver(module: &mut Module) {
    for answered in module.state.waiting.take_answered() {
        match module.blocked.remove(answered.ticket) {
            Some(client) => unblock(client, answered.reply, answered.handed),
            None => give_back(module, answered.handed),
        }
    }
}

/// Ends the waits that are over.
pub(super) fn end_overdue(module: &mut Module, now: Steady) {
    while let Some(&(deadline, ticket)) = module.blocked.deadlines.first() {
        if deadline > now {
            break;
        }
        module.state.leave(ticket, now);
        match module.blocked.remove(ticket) {
            Some(client) => unblock(client, Ok(Reply::NullArray), Vec::new()),
            None => {
                module.blocked.deadlines.remove(&(deadline, ticket));
            }
        }
    }
}

/// Ends the wait of these clients with an error.
pub(super) fn refuse(module: &mut Module, tickets: &[Ticket], error: &Error) {
    let now = module.clock.steady();
    for &ticket in tickets {
        module.state.leave(ticket, now);
        if let Some(client) = module.blocked.remove(ticket) {
            unblock(client, Err(error.clone()), Vec::new());
        }
    }
}

fn unblock(client: *mut RawBlocked, answer: Result<Reply, Error>, handed: Vec<Granted>) {
    let served = Box::new(Served {
        answer,
        handed,
        delivered: false,
    });
    // SAFETY: a held client, taken out of the table, so this happens once; `on_free` takes the box back.
    unsafe {
        call!(RedisModule_UnblockClient(
            client,
            Box::into_raw(served).cast::<c_void>()
        ))
    };
}

fn give_back(module: &mut Module, handed: Vec<Granted>) {
    for given in handed {
        module.state.returned(given);
    }
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
                match &served.answer {
                    Ok(answer) => reply::write(ctx, answer),
                    Err(error) => reply::write_error(ctx, error),
                }
                served.delivered = true;
            }
            None => reply::write(ctx, &Reply::NullArray),
        }
    });
    OK
}

unsafe extern "C" fn on_free(_ctx: *mut Ctx, data: *mut c_void) {
    if data.is_null() {
        return;
    }
    // SAFETY: what `unblock` gave, back once.
    let served = unsafe { Box::from_raw(data.cast::<Served>()) };
    guard(|| {
        if !served.delivered && !served.handed.is_empty() {
            module::soon(move |module| {
                give_back(module, served.handed);
                timer::arm_now(module);
            });
        }
    });
}

/// Called for CLIENT UNBLOCK; the time of the wait is ours to end.
unsafe extern "C" fn on_timeout(ctx: *mut Ctx, _argv: *mut *mut RawText, _argc: c_int) -> c_int {
    guard(|| {
        // SAFETY: a context of a held client.
        let client = unsafe { call!(RedisModule_GetBlockedClientHandle(ctx)) };
        reply::write(ctx, &Reply::NullArray);
        module::soon(move |module| {
            if let Some(ticket) = module.blocked.tickets.get(&client).copied() {
                let now = module.clock.steady();
                module.state.leave(ticket, now);
                module.blocked.remove(ticket);
                // SAFETY: a held client, taken out of the table, so this happens once. Without it the
                // handle stays, and the module can never be unloaded.
                unsafe { call!(RedisModule_UnblockClient(client, std::ptr::null_mut())) };
            }
        });
    });
    OK
}

/// Called when the peer closed, was killed or was unblocked with an error, and on demotion.
unsafe extern "C" fn on_disconnect(_ctx: *mut Ctx, client: *mut RawBlocked) {
    guard(|| {
        module::soon(move |module| {
            // A client that was served meanwhile is not in the table: `on_free` sees that it is gone.
            if let Some(ticket) = module.blocked.tickets.get(&client).copied() {
                let now = module.clock.steady();
                module.state.leave(ticket, now);
                module.blocked.remove(ticket);
                // SAFETY: as above.
                unsafe { call!(RedisModule_AbortBlock(client)) };
            }
        });
    });
}
