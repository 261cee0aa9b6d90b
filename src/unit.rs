//! A unit of work: one command, one slice of the tick or one disconnect. It reads, decides and writes;
//! at its end everything it wrote goes out at once.

use crate::env::{Caller, Env};
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::memory::Memory;
use crate::reply::Reply;
use crate::spec::{Args, MAX_TOKEN, Spec};
use crate::waiting::{Handed, Patience, Ticket, Wish};

/// Everything a unit may touch.
pub struct Unit<'a> {
    /// The data.
    pub keys: &'a mut dyn Keyspace,
    /// What is derived from the data or ephemeral.
    pub memory: &'a mut Memory,
    /// The moment and the settings.
    pub env: Env,
}

/// A command: its declaration and what it does.
pub trait Command {
    /// The declaration.
    const SPEC: Spec;
    /// Checks everything, then writes. An error has changed nothing.
    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error>;
}

/// What a command comes to.
#[derive(Debug)]
pub enum Outcome {
    /// The client is answered.
    Reply(Reply),
    /// The client is held until `Waiting` has an answer for it, or for so long. Only where the caller may wait.
    Wait(Wish, Patience),
    /// The rest of the arguments, from this position on, is a command to be run when this unit is over.
    Run(usize),
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Outcome {
        Outcome::Reply(reply)
    }
}

/// Stored fences from here on, the year 2112 in µs, are not ours: behind one of them there would be too few left
/// that a client can hold exactly.
const LATEST_FENCE: u64 = MAX_TOKEN.unsigned_abs() / 2;

impl Unit<'_> {
    /// The next id or fence: larger than any before, in memory or `stored`, and near the time in µs.
    pub fn next_fence(&mut self, stored: u64) -> u64 {
        self.saw_fence(stored);
        let fence = self.env.wall_us.max(self.memory.fence + 1);
        self.memory.fence = fence;
        fence
    }

    /// A fence that was given out before, perhaps by a server whose clock was ahead: later ones are larger. One
    /// that is too large to be ours does not count.
    pub fn saw_fence(&mut self, stored: u64) {
        if stored < LATEST_FENCE {
            self.memory.fence = self.memory.fence.max(stored);
        }
    }

    /// Ends a client's wait with a reply or an error.
    pub fn answer(&mut self, ticket: Ticket, reply: Result<Reply, Error>, handed: Vec<Handed>) {
        if let Some(waiter) = self.memory.waiting.answer(ticket, reply, handed) {
            self.memory.presence.seen(waiter.connection, None, self.env.steady);
        }
    }
}
