//! HB.FENCED: a command that is run only because its caller leads, after the transaction that saw that. The server
//! handles nothing in between, so the caller still leads.

use std::cell::Cell;
use std::ffi::CString;

use super::acl::has_user;
use super::api::{CallReply, Ctx, Flags, keys_of};
use super::probe::slot_number;
use crate::error::Error;
use crate::reply::Reply;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether such a command is running: then the caller is not the client itself, whatever the server says.
pub(super) fn is_running() -> bool {
    RUNNING.get()
}

/// What a script may say and may not stand inside.
const REFUSED: [&str; 3] = ["HB.FENCED", "WAIT", "WAITAOF"];

/// Runs the command, which is among the arguments from there on, in the caller's name and passes its reply on. `None`, as the reply is written.
///
/// Allowed is what a script may do; else `BADARG`, and in a cluster also for a key outside of the slot of the
/// service. Not a script itself: once it is slow the server serves other clients meanwhile and expects only the
/// client that it believes to have called the script, which is not the real one, to be left alone. When the real
/// one closes or sends more, the server crashes (seen on Redis 7.0 to 8.6 and Valkey 8.1 and 9.1). A script calls
/// HB.CHECK itself. Nor WAIT: called by a script it would stop Valkey 8.1, which asserts that the script's client waits.
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
    // `E` errors as replies, `M` nothing that grows when memory is full, `S` only what a script may do,
    // `!` replicated, `0` in the client's protocol, `C` with the rights of the caller, when it has a user.
    let modifiers = if has_user(ctx) { "EMS!0C" } else { "EMS!0" };
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
    reply.pass_on(ctx);
    Ok(None)
}

fn not_allowed(name: &[u8]) -> Error {
    let name = String::from_utf8_lossy(name.get(..32).unwrap_or(name));
    Error::BadArg(format!("{} is not allowed inside HB.FENCED", name.escape_default()))
}
