//! TASK.QUEUES: which queues there are.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Name;
use crate::pages::{self, Listed, PageArgs};
use crate::reply::Reply;
use crate::state::State;
use crate::state::sums::Holds;
use crate::task::commands::stats;
use crate::task::overview;
use crate::time::Wall;
use crate::tx::Tx;

/// TASK.QUEUES.
pub(crate) struct Queues;

impl Command for Queues {
    type Args<'a> = PageArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.QUEUES",
        summary: "Lists the queues of this database on this node that the caller may access, in no order. A queue that exists throughout is returned once.",
        complexity: "O(N) for N queues and services looked at, 1,000 at most",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: PageArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of names; with STATS of maps: `queue`, the fields of TASK.STATS, and `kinds`, an array as TASK.STATS with KINDS replies",
        errors: &[],
    };

    fn run(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response> {
        let queues = Listed {
            is_one: |holds| holds.queue,
            exists: overview::exists,
            stats,
        };
        Ok(pages::page(args, caller, tx, &queues)?.into())
    }
}

fn stats(state: &State, name: &Name, holds: &Holds, now: Wall) -> Reply {
    let mut map = Vec::with_capacity(stats::FIELDS + 2);
    map.push(("queue", Reply::text(name.text())));
    let past = stats::add(&mut map, state, name, holds, now);
    map.push(("kinds", stats::kinds(&past)));
    Reply::Map(map)
}
