//! A transaction: one command, one slice of the tick or one disconnect. It reads, decides and writes;
//! at its end everything it wrote goes out at once.

use crate::command::{Args, MAX_TOKEN, Spec};
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::reply::Reply;
use crate::state::State;
use crate::waiting::{Granted, Ticket, Timeout, WaitFor};

/// Everything a transaction may touch.
pub(crate) struct Tx<'a> {
    /// The data.
    pub keys: &'a mut dyn Keyspace,
    /// What is derived from the data or ephemeral.
    pub state: &'a mut State,
    /// The moment and the settings.
    pub context: Context,
}

/// A command: its declaration and what it does.
pub(crate) trait Command {
    /// The declaration.
    const SPEC: Spec;
    /// Checks everything, then writes. An error has changed nothing.
    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error>;
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

/// Stored fences from here on, the year 2112 in µs, are not ours: behind one of them there would be too few left
/// that a client can hold exactly.
const LATEST_FENCE: u64 = MAX_TOKEN.unsigned_abs() / 2;

impl Tx<'_> {
    /// The next id or fence: larger than any before, in memory or `stored`, and near the time in µs.
    pub(crate) fn next_fence(&mut self, stored: u64) -> u64 {
        self.saw_fence(stored);
        let fence = self.context.wall_us.max(self.state.fence + 1);
        self.state.fence = fence;
        fence
    }

    /// A fence that was given out before, perhaps by a server whose clock was ahead: later ones are larger. One
    /// that is too large to be ours does not count.
    pub(crate) fn saw_fence(&mut self, stored: u64) {
        if stored < LATEST_FENCE {
            self.state.fence = self.state.fence.max(stored);
        }
    }

    /// Ends a client's wait with a reply or an error.
    pub(crate) fn answer(&mut self, ticket: Ticket, reply: Result<Reply, Error>, handed: Vec<Granted>) {
        if let Some(waiter) = self.state.waiting.answer(ticket, reply, handed) {
            self.state.services.seen(waiter.connection, None, self.context.steady);
        }
    }
}
