//! HB.FENCED: runs a command after the transaction that checked that its caller leads. The server runs nothing in
//! between, so the caller still leads.

use std::cell::Cell;
use std::ffi::CString;

use super::acl::has_user;
use super::api::{CallReply, Ctx, Flags, call, keys_of};
use super::probe::slot_number;
use crate::error::Error;
use crate::reply::Reply;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether such a command is running: then the caller is not the client itself, although the server says so.
pub(super) fn is_running() -> bool {
    RUNNING.get()
}

/// Commands that scripts may call but HB.FENCED may not.
const REFUSED: [&str; 3] = ["HB.FENCED", "WAIT", "WAITAOF"];

/// Runs the command, which begins at this position of the arguments, in the caller's name and passes its reply on.
/// Returns `None`, as the reply is written.
///
/// Errors with `BADARG` unless a script may run the command, and in a cluster unless its keys are in the slot of the
/// service. Scripts are refused: while a slow one runs, the server serves other clients and protects only the client
/// that it takes for the caller, which is not the real one. When the real one closes or sends more, the server crashes
/// (seen on Redis 7.0 to 8.6 and Valkey 8.1 and 9.1). A script can call HB.CHECK itself. WAIT is refused too: called in
/// script mode it crashes Valkey 8.1, which asserts that the script's client waits.
pub(super) fn run(ctx: *mut Ctx, fenced: &[&[u8]], from: usize) -> Result<Option<Reply>, Error> {
    let command = fenced.get(from..).unwrap_or_default();
    let (Some(service), Some((name, arguments))) = (fenced.first(), command.split_first()) else {
        return Err(Error::Internal);
    };
    let text = CString::new(*name).ok();
    let is = |refused: &&str| name.eq_ignore_ascii_case(refused.as_bytes());
    let text = text.filter(|_| !REFUSED.iter().any(is));
    let text = text.ok_or_else(|| not_allowed(name))?;
    if Flags::of(ctx).in_cluster() {
        let slot = slot_number(ctx, service);
        let is_elsewhere = |key| slot_number(ctx, key) != slot;
        if keys_of(ctx, command).into_iter().any(is_elsewhere) {
            let why = "a key of the command is not in the slot of the service";
            return Err(Error::BadArg(why.into()));
        }
    }
    // `E` errors as replies, `M` refuses writes that grow when memory is full, `S` script mode, `!` replicated, `0` in
    // the client's protocol, `C` with the permissions of the caller, when it has a user.
    let modifiers = match has_user(ctx) {
        Some(false) => "EMS!0",
        _ => "EMS!0C",
    };
    let before = RUNNING.replace(true);
    let reply = CallReply::of(ctx, &text, modifiers, arguments);
    RUNNING.set(before);
    if reply.is_error() {
        let error = reply.error();
        if error.ends_with("is not allowed on script mode") {
            return Err(not_allowed(name));
        }
        if let Some((_, why)) = error.split_once("acl verification failed, ") {
            return Err(Error::NoPermission(why.trim_end_matches('.').into()));
        }
    }
    if !reply.pass_on(ctx) {
        // SAFETY: a context with a client to answer.
        unsafe {
            call!(RedisModule_ReplyWithError(
                ctx,
                c"ERR the reply is none for this client".as_ptr()
            ));
        }
    }
    Ok(None)
}

fn not_allowed(name: &[u8]) -> Error {
    let name = String::from_utf8_lossy(name.get(..32).unwrap_or(name));
    Error::BadArg(format!("{} is not allowed inside HB.FENCED", name.escape_default()))
}
