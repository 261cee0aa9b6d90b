//! What a command implements.

use super::fields::Arguments;
use super::spec::Spec;
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::tx::Tx;
use crate::waiting::{Timeout, WaitFor};

/// A command: its declaration and what it does.
pub(crate) trait Command {
    /// Its arguments, of which `SPEC` tells.
    type Args<'a>: Arguments<'a>;
    /// What it works on: the queue or the service that its arguments name, or the bare transaction.
    type On<'t>: Target<'t>;
    /// The declaration.
    const SPEC: Spec;
    /// Checks everything, then writes. An error has changed nothing.
    fn run(args: &Self::Args<'_>, caller: &Caller<'_>, on: &mut Self::On<'_>) -> Result<Response>;
}

/// What is opened for a command.
pub(crate) trait Target<'t>: Sized {
    /// Opens it. The name is that of the queue or the service, as the caller wrote it.
    fn open(tx: &'t mut Tx<'_>, db: i32, name: Option<&[u8]>) -> Result<Self>;
}

impl<'t> Target<'t> for Tx<'t> {
    fn open(tx: &'t mut Tx<'_>, _: i32, _: Option<&[u8]>) -> Result<Tx<'t>> {
        Ok(tx.reborrow())
    }
}

/// What a command comes to.
#[derive(Debug)]
pub(crate) enum Response {
    /// The client is answered.
    Reply(Reply),
    /// The client is blocked until `Waiting` has an answer for it, or for so long. Only where the caller may wait.
    Wait(WaitFor, Timeout),
    /// The rest of the arguments, from this position on, is a command to be run when this transaction is over.
    Run(usize),
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        Response::Reply(reply)
    }
}
