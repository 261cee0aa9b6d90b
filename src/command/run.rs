//! What a command implements.

use super::fields::Arguments;
use super::spec::Spec;
use crate::context::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::tx::Tx;
use crate::waiting::{Timeout, WaitFor};

/// A command: its declaration and what it does.
pub(crate) trait Command {
    /// Its arguments, of which `SPEC` tells.
    type Args<'a>: Arguments<'a>;
    /// The declaration.
    const SPEC: Spec;
    /// Checks everything, then writes. An error has changed nothing.
    fn run(args: &Self::Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error>;
}

/// What a command comes to.
#[derive(Debug)]
pub(crate) enum Response {
    /// The client is answered.
    Reply(Reply),
    /// The client is held until `Waiting` has an answer for it, or for so long. Only where the caller may wait.
    Wait(WaitFor, Timeout),
    /// The rest of the arguments, from this position on, is a command to be run when this transaction is over.
    Run(usize),
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        Response::Reply(reply)
    }
}
