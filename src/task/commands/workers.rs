//! TASK.WORKERS: how many claims each worker has.

use std::collections::HashMap;

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, QueueArgs, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Index;
use crate::reply::Reply;
use crate::state::queue::Rebase;
use crate::task::handle::Queue;
use crate::task::worker;

/// Claims that are read if memory does not know all of them.
const SCANNED: usize = 10_000;

/// TASK.WORKERS.
pub(crate) struct Workers;

impl Command for Workers {
    type Args<'a> = QueueArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.WORKERS",
        summary: "Shows the workers that claimed recently, and how many tasks each one holds.",
        complexity: "O(N) for N workers",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: QueueArgs::ARGS,
        reply: "array of maps `worker`, `state` (of the member of that name: up, grace or null), `claimed_tasks`, `oldest_claim_ms` (age of its oldest claim, or null)",
        errors: &[],
    };

    fn run(_: &QueueArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        // Copied: the queue is asked for each of them.
        let numbers = queue.known_workers()?.into_owned();
        let claims = claims(queue)?;
        let now = queue.context.wall_us;
        let mut workers: Vec<(&str, Reply)> = Vec::new();
        for (number, worker) in numbers.from(0) {
            let state = worker::member_state(queue, worker);
            let (count, first) = claims.get(&number).copied().unwrap_or_default();
            // A token is the wall time of its claim in µs.
            let age = || i64::try_from(now.saturating_sub(first) / 1_000).unwrap_or(i64::MAX);
            let map = Reply::Map(vec![
                ("worker", Reply::text(worker)),
                ("state", state.map_or(Reply::Null, Reply::Word)),
                ("claimed_tasks", Reply::count(count)),
                ("oldest_claim_ms", Reply::int_or_null((count > 0).then(age))),
            ]);
            workers.push((worker, map));
        }
        workers.sort_by_key(|(worker, _)| *worker);
        Ok(Reply::Array(workers.into_iter().map(|(_, map)| map).collect()).into())
    }
}

/// How many claims each worker has, and the token of its oldest one.
pub(super) fn claims(queue: &mut Queue<'_>) -> Result<HashMap<u32, (usize, u64)>> {
    let memory = queue.state.known_queue(&queue.name);
    if let Some(memory) = memory.filter(|memory| memory.rebase == Rebase::Done) {
        return Ok(memory.claims.summary().collect());
    }
    // On a replica, and until the first walk after a load, memory does not know.
    let mut claims: HashMap<u32, (usize, u64)> = HashMap::new();
    let claimed = queue.name.index(Index::Claimed);
    for (_, id) in queue.keys.zlowest(claimed, i64::MAX, SCANNED)? {
        if let Some(task) = queue.read_header(&id) {
            let (count, first) = claims.entry(task.header.worker).or_insert((0, u64::MAX));
            *count += 1;
            *first = task.header.fence.min(*first);
        }
    }
    Ok(claims)
}
