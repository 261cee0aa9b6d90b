//! A transaction: one command, one slice of the timer or one disconnect. It reads, decides and writes; at its end
//! everything it wrote is replicated at once.

use crate::context::Context;
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::reply::Reply;
use crate::state::State;
use crate::waiting::{Granted, Ticket};

/// Everything a transaction may touch.
pub(crate) struct Tx<'a> {
    /// The data.
    pub keys: &'a mut dyn Keyspace,
    /// What is derived from the data or ephemeral.
    pub state: &'a mut State,
    /// The moment and the settings.
    pub context: Context,
}

impl Tx<'_> {
    /// The same transaction, reborrowed.
    pub(crate) fn reborrow(&mut self) -> Tx<'_> {
        Tx {
            keys: &mut *self.keys,
            state: &mut *self.state,
            context: self.context,
        }
    }

    /// The next id or fence: larger than any before, in memory or `stored`, and near the time in µs.
    pub(crate) fn next_fence(&mut self, stored: u64) -> u64 {
        self.state.next_fence(stored, self.context.wall_us)
    }

    /// A fence that was given out earlier, perhaps by a server whose clock was ahead: the next ones are larger. One
    /// that is too large to be ours does not count.
    pub(crate) fn saw_fence(&mut self, stored: u64) {
        self.state.saw_fence(stored);
    }

    /// Ends a client's wait with a reply or an error.
    pub(crate) fn answer(&mut self, ticket: Ticket, reply: Result<Reply, Error>, granted: Vec<Granted>) {
        self.state.waiting.answer(ticket, reply, granted);
    }
}
