//! TASK.RELEASE: give a task back without having used an attempt.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Index;
use crate::reply::Reply;
use crate::task::dispatch::serve;
use crate::task::{self, lifecycle};
use crate::time::MAX_DELAY;
use crate::tx::{Command, Response, Tx};

/// TASK.RELEASE.
pub(crate) struct Release;

impl Command for Release {
    const SPEC: Spec = Spec {
        name: "TASK.RELEASE",
        summary: "Gives a claimed task back; the attempt does not count.",
        complexity: "O(log N) for N claimed and scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, Arg::TOKEN, Arg::duration("DELAY", 0, MAX_DELAY)],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let (name, settings, mut record) = task::claim_of(args, caller, tx)?;
        let id = args.text("id").as_bytes();
        lifecycle::ensure_end_types(queue, id, &record)?;
        let due = args.int("DELAY").map(|delay| queue.context.wall.after(delay));
        queue.keys.zrem(queue.name.index(Index::Claimed), &[id])?;
        lifecycle::give_back(queue, id, &mut record, due)?;
        serve::serve(queue);
        Ok(Reply::OK.into())
    }
}
