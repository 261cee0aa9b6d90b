//! What MACK, MFAIL, MRELEASE and MEXTEND share: one step for several claims, each on its own.

use crate::command::{Arg, Key, MAX_COUNT, Typed, arguments};
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::handle::{Queue, Task};

arguments! {
    /// A claim of a task.
    pub(crate) struct ClaimOf<'a> {
        id: &'a str = Arg::ID,
        token: u64 = Arg::TOKEN,
    }
}

const CLAIM: Typed<ClaimOf<'static>> = Arg::shared();

arguments! {
    /// Several claims.
    pub(crate) struct ClaimsArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        tasks: Vec<ClaimOf<'a>> = Arg::counted("numtasks", MAX_COUNT, &CLAIM)
            .means("how many claims, and of each the id of its task and its token"),
    }
}

impl ClaimsArgs<'_> {
    /// Checks the task of each claim that lives, before anything is written.
    pub(crate) fn ensure(
        &self,
        queue: &mut Queue<'_>,
        check: impl Fn(&mut Queue<'_>, &Task) -> Result<()>,
    ) -> Result<()> {
        for ClaimOf { id, token } in &self.tasks {
            if let Ok(task) = queue.find_claim(id.as_bytes(), *token) {
                check(queue, &task)?;
            }
        }
        Ok(())
    }
}

impl ClaimOf<'_> {
    /// Takes the step if the claim lives. Returns the outcome as a reply.
    pub(crate) fn step(
        &self,
        queue: &mut Queue<'_>,
        step: impl FnOnce(&mut Queue<'_>, &mut Task) -> Result<()>,
    ) -> Result<Reply> {
        Ok(Reply::Status(match queue.find_claim(self.id.as_bytes(), self.token) {
            Ok(mut task) => {
                let cancelled = task.is_cancelled();
                step(queue, &mut task)?;
                if cancelled { "CANCELLED" } else { "OK" }
            }
            Err(Error::Stale(_)) => "STALE",
            // A foreign value is not a task.
            Err(_) => "NOTASK",
        }))
    }
}
