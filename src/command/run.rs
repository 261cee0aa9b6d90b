//! The trait that a command implements.

use super::fields::Arguments;
use super::spec::Spec;
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::tx::Tx;
use crate::waiting::{Timeout, WaitFor};

/// A command: its declaration and what it does.
pub(crate) trait Command {
    /// Its arguments, as listed in `SPEC`.
    type Args<'a>: Arguments<'a>;
    /// What it works on: the queue or the service that its arguments name, or the bare transaction.
    type On<'t>: Target<'t>;
    /// The declaration.
    const SPEC: Spec;
    /// Checks everything, then writes: a command that returns an error has changed nothing.
    fn run(args: &Self::Args<'_>, caller: &Caller<'_>, on: &mut Self::On<'_>) -> Result<Response>;
}

/// The handle that is opened for a command.
pub(crate) trait Target<'t>: Sized {
    /// Opens it. `name` is the queue or service as the caller wrote it.
    fn open(tx: &'t mut Tx<'_>, db: i32, name: Option<&[u8]>) -> Result<Self>;
}

impl<'t> Target<'t> for Tx<'t> {
    fn open(tx: &'t mut Tx<'_>, _: i32, _: Option<&[u8]>) -> Result<Tx<'t>> {
        Ok(tx.reborrow())
    }
}

/// The outcome of a command.
#[derive(Debug)]
pub(crate) enum Response {
    /// The client is answered.
    Reply(Reply),
    /// The client is blocked until `Waiting` has an answer for it or this timeout runs out. Only where the caller may
    /// wait.
    Wait(WaitFor, Timeout),
    /// The arguments from this position on are a command to run after this transaction.
    Run(usize),
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        Response::Reply(reply)
    }
}
