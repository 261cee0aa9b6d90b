//! The entry of every command: from the server's arguments to the domain, and back to a reply.

use std::ffi::c_int;

use super::acl::Rules;
use super::api::{Ctx, Flags, OK, RawText, call};
use super::callback::{arguments, texts};
use super::probe;
use super::transaction::{Mode, run};
use super::{block, databases, docs, fenced, plain, reply};
use crate::command::run::{Command, Response};
use crate::command::{Access, Arguments, Keys, Spec};
use crate::commands;
use crate::context::Caller;
use crate::error::Error;
use crate::names::Name;
use crate::reply::Reply;
use crate::tx::Tx;

/// The function the server calls for command `C`.
///
/// # Safety
/// Called by the server with a context and `argc` strings.
pub(super) unsafe extern "C" fn entry<C: Command>(ctx: *mut Ctx, argv: *mut *mut RawText, argc: c_int) -> c_int {
    // SAFETY: as the server promises.
    let (argv, texts) = unsafe { (arguments(argv, argc), texts(argv, argc)) };
    reply::answer(ctx, || {
        // The server checks the registered arity.
        let words = const { C::SPEC.words() };
        let (Some(arguments), Some(texts)) = (argv.get(words..), texts.get(words..)) else {
            // SAFETY: a context with a client to answer.
            unsafe { call!(RedisModule_WrongArity(ctx)) };
            return Ok(None);
        };
        if C::SPEC.keys == Keys::Counted && report_keys(ctx, &C::SPEC, arguments) {
            return Ok(None);
        }
        execute::<C>(ctx, arguments, texts)
    })
}

/// Runs the command; `None` when its client is blocked, or when the reply is already written.
fn execute<C: Command>(ctx: *mut Ctx, arguments: &[&[u8]], texts: &[*mut RawText]) -> Result<Option<Reply>, Error> {
    // SAFETY: a context the server lent us.
    let (db, id) = unsafe {
        (
            call!(RedisModule_GetSelectedDb(ctx)),
            call!(RedisModule_GetClientId(ctx)),
        )
    };
    let flags = Flags::of(ctx);
    if flags.in_cluster()
        && let Some(name) = first_name(&C::SPEC, db, arguments)
    {
        probe::slot_is_whole(ctx, &name)?;
    }
    if C::SPEC.access != Access::Read && flags.brings_effects(id) {
        // Ours are replicated as effects. Another's command would decide anew, with another clock and other ids.
        return Err(Error::OnlyEffects);
    }
    if let Some(way) = plain::way(C::SPEC.name) {
        let call = plain::Call {
            ctx,
            arguments,
            texts,
            flags,
            connection: id,
            db,
        };
        if plain::run(way, &call) {
            return Ok(None);
        }
    }
    let args = C::Args::parse(arguments)?;
    let rules = Rules::of(ctx);
    let may_see = |key: &str| rules.may_read(key);
    let may_write = |key: &str| rules.may_write(key);
    let caller = Caller {
        db: databases::id(db),
        connection: connection(id, flags),
        may_wait: !flags.must_not_wait(),
        may_see: &may_see,
        may_write: &may_write,
    };
    let mode = match C::SPEC.access {
        Access::Read => Mode::Reads,
        Access::Write | Access::Grow => Mode::Commanded(flags),
    };
    let work = |tx: &mut Tx<'_>| {
        tx.context.memory_full = flags.memory_full();
        commands::run::<C>(&args, &caller, tx)
    };
    match run(ctx, mode, work)? {
        Response::Reply(reply) => Ok(Some(reply)),
        Response::Wait(wait_for, timeout) if caller.may_wait => {
            block::block_client(ctx, id, wait_for, timeout);
            Ok(None)
        }
        Response::Wait(..) => Ok(Some(Reply::NullArray)),
        Response::Run(from) => fenced::run(ctx, arguments, from),
    }
}

/// Reports the positions of the queues, if the server asks for them. With a wrong count it reports none: the command
/// itself replies the error.
fn report_keys(ctx: *mut Ctx, spec: &Spec, arguments: &[&[u8]]) -> bool {
    // SAFETY: a context the server lent us.
    unsafe {
        if call!(RedisModule_IsKeysPositionRequest(ctx)) == 0 {
            return false;
        }
        let words = spec.words();
        let count = arguments
            .first()
            .and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
        if let Some(count) = count.filter(|count| (1..arguments.len()).contains(count)) {
            for position in 1..=count {
                let position = c_int::try_from(words + position).unwrap_or(0);
                call!(RedisModule_KeyAtPosWithFlags(ctx, position, docs::key_flags(spec)));
            }
        }
    }
    true
}

/// The first queue that the command names, if the name is valid; otherwise the command itself replies the error.
fn first_name(spec: &Spec, db: i32, arguments: &[&[u8]]) -> Option<Name> {
    let at = match spec.keys {
        Keys::None => return None,
        Keys::First => 0,
        Keys::Counted => 1,
    };
    Name::new(db, arguments.get(at)?).ok()
}

/// The caller's connection: none in a script (where the id is the script's), inside HB.FENCED or in a call of another
/// module.
fn connection(id: u64, flags: Flags) -> Option<u64> {
    if flags.in_script() || fenced::is_running() {
        return None;
    }
    // SAFETY: with a null pointer it only reports whether the client exists.
    let is_known = || unsafe { call!(RedisModule_GetClientInfoById(std::ptr::null_mut(), id)) == OK };
    // Newer servers also find the pseudo clients of another module's call.
    let is_real = || flags.in_transaction() && is_known();
    (!flags.must_not_wait() || is_real()).then_some(id)
}
