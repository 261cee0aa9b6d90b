//! `steward <name> <effects>`: repeats the effects of a transaction, on a replica or from an append-only file.
//!
//! Unreadable effects are an error, so that the server counts them and `propagation-error-behavior` decides what
//! follows.

use std::ffi::c_int;

use super::api::{Ctx, Flags, Level, OK, RawText, call, log};
use super::callback::arguments;
use super::effects::{self, Applied, Change, EFFECTS};
use super::module::{self, Module};
use super::transaction::{Mode, run};
use super::{databases, reply};
use crate::error::Error;
use crate::membership::service::Service;
use crate::names::{Name, Touched};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::{history, outcome};
use crate::tx::Tx;

/// Registers the command.
pub(super) fn register(ctx: *mut Ctx) -> bool {
    // SAFETY: static texts and our own function.
    unsafe {
        call!(RedisModule_CreateCommand(
            ctx,
            EFFECTS.as_ptr(),
            Some(on_apply),
            c"write fast deny-script".as_ptr(),
            1,
            1,
            1
        )) == OK
    }
}

unsafe extern "C" fn on_apply(ctx: *mut Ctx, argv: *mut *mut RawText, argc: c_int) -> c_int {
    reply::answer(ctx, || {
        // SAFETY: as the server promises.
        let argv = unsafe { arguments(argv, argc) };
        let [_, name, effects] = argv.as_slice() else {
            // SAFETY: a context with a client to answer.
            unsafe { call!(RedisModule_WrongArity(ctx)) };
            return Ok(None);
        };
        apply(ctx, name, effects)?;
        Ok(Some(Reply::OK))
    })
}

fn apply(ctx: *mut Ctx, name: &[u8], effects: &[u8]) -> Result<(), Error> {
    // SAFETY: a context the server lent us.
    let (db, client) = unsafe {
        (
            call!(RedisModule_GetSelectedDb(ctx)),
            call!(RedisModule_GetClientId(ctx)),
        )
    };
    if !Flags::of(ctx).brings_effects(client) {
        return Err(Error::NotForClients);
    }
    let name = Name::new(databases::id(db), name)?;
    let applied = run(ctx, Mode::Applies, |tx| {
        let applied = effects::apply(effects, &name, tx.keys);
        for change in applied.iter().flat_map(|applied| &applied.changes) {
            take_up(tx, change)?;
        }
        Ok(applied)
    })?;
    // Passed on even when unreadable: a later version may read it from our append-only file.
    // SAFETY: a context the server lent us.
    unsafe { call!(RedisModule_ReplicateVerbatim(ctx)) };
    match applied {
        Ok(Applied { refused: 0, .. }) => Ok(()),
        Ok(Applied { refused, .. }) => {
            let why = "a key has another type, or an id is not where it was";
            warn(&name, &format!("{refused} operations were refused: {why}"));
            Ok(())
        }
        Err(unreadable) => {
            warn(&name, unreadable.why());
            Err(Error::Unreadable(unreadable.why()))
        }
    }
}

/// Takes up in memory what changed of a name.
fn take_up(tx: &mut Tx<'_>, change: &Change) -> Result<(), Error> {
    let name = &change.name;
    if change.queue {
        tx.state.touched(name, Touched::Queue);
    }
    if change.history {
        tx.state.names.histories.remove(name);
        if history::exists(tx.keys, name) {
            tx.state.touched(name, Touched::History);
        }
    }
    // On a replica, clients that wait for results are answered only here.
    if tx.state.waiting.listeners().any(name)
        && let Ok(mut queue) = Queue::open(tx, name.clone())
    {
        // When the queue hash has another type, they continue to wait.
        outcome::rescan_all(&mut queue);
    }
    if change.service {
        if change.any_member {
            tx.state.touched(name, Touched::Service);
        }
        let mut service = Service::of(tx, name);
        service.refresh(&change.members)?;
        service.notify_all_watchers()?;
    }
    Ok(())
}

fn warn(name: &Name, why: &str) {
    let limit = |module: &mut Module| module.refused_effects.admit(module.clock.steady());
    let Some(Some(left_out)) = module::with(limit) else {
        return;
    };
    let name = name.text().escape_default();
    let before = match left_out {
        0 => String::new(),
        count => format!(", and {count} before it"),
    };
    log(
        Level::Warning,
        &format!("effects on {name} were not carried out in full: {why}{before}"),
    );
}
