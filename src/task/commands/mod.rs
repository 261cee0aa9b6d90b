//! The TASK commands, one file each.

pub(crate) mod ack;
pub(crate) mod bury;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod claims;
pub(crate) mod config;
pub(crate) mod drop;
pub(crate) mod edit;
pub(crate) mod explain;
pub(crate) mod extend;
pub(crate) mod fail;
pub(crate) mod filter;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod mschedule;
pub(crate) mod pause;
pub(crate) mod purge;
pub(crate) mod queues;
pub(crate) mod release;
pub(crate) mod repeat;
pub(crate) mod repeats;
pub(crate) mod reschedule;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod schedule;
pub(crate) mod stats;
pub(crate) mod trigger;
pub(crate) mod unclaim;
pub(crate) mod unrepeat;
pub(crate) mod workers;

use crate::command::{Arg, Key, arguments};
use crate::error::Result;
use crate::task::handle::{Queue, Task};

arguments! {
    /// The claim that ACK, FAIL, RELEASE and EXTEND are about.
    pub(crate) struct ClaimedArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        id: &'a str = Arg::ID,
        token: u64 = Arg::TOKEN,
    }
}

impl ClaimedArgs<'_> {
    /// The task that is claimed under the token. Errors with `NoTask`, or with `Stale` for a claim that is over.
    pub(crate) fn find(&self, queue: &mut Queue<'_>) -> Result<Task> {
        queue.find_claim(self.id.as_bytes(), self.token)
    }
}

arguments! {
    /// Several tasks.
    pub(crate) struct IdsArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        ids: Vec<&'a str> = Arg::many("ids", &Arg::ID).means("the ids of the tasks, at most 1,000"),
    }
}
