//! TASK.WORKERS: who holds how much.

use std::collections::HashMap;

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::state::queue::Rebase;
use crate::task::index::ready;
use crate::task::{self, worker};
use crate::tx::{Command, Response, Tx};

/// Claims that are looked at where memory does not know who holds what.
const LOOKED_AT: usize = 10_000;

/// TASK.WORKERS.
pub(crate) struct Workers;

impl Command for Workers {
    const SPEC: Spec = Spec {
        name: "TASK.WORKERS",
        summary: "Shows the workers that claimed lately, with what they hold.",
        complexity: "O(N) for N workers",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE],
        reply: "array of maps `worker`, `state` (of the member of that name: up, grace or null), `claimed`, `oldest` (ms since its oldest claim)",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let numbers = task::known_workers(queue)?;
        let held = held(queue)?;
        let service = task::service(queue)?;
        let now = queue.context.wall_us;
        let mut workers: Vec<(String, Reply)> = numbers
            .all()
            .map(|(number, worker)| {
                let state = worker::state(tx, &service, worker);
                let (count, first) = held.get(&number).copied().unwrap_or_default();
                // A token is the wall time of its claim in µs.
                let age = || i64::try_from(now.saturating_sub(first) / 1_000).unwrap_or(i64::MAX);
                let map = Reply::Map(vec![
                    ("worker", Reply::text(worker)),
                    ("state", state.map_or(Reply::Null, Reply::Word)),
                    ("claimed", Reply::count(count)),
                    ("oldest", Reply::int_or_null((count > 0).then(age))),
                ]);
                (worker.to_string(), map)
            })
            .collect();
        workers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Reply::Array(workers.into_iter().map(|(_, map)| map).collect()).into())
    }
}

/// How many claims each worker holds, and the token of its oldest one.
fn held(queue: &mut Queue<'_>) -> Result<HashMap<u32, (usize, u64)>> {
    if let Some(queue) = queue.state.known_queue(name).filter(|queue| queue.rebase == Rebase::Done) {
        return Ok(queue.claims.summary().collect());
    }
    // On a replica, and until the first walk after a load, memory does not know.
    let mut held: HashMap<u32, (usize, u64)> = HashMap::new();
    for (_, id) in queue.keys.zlowest(queue.name.index(Index::Claimed), i64::MAX, LOOKED_AT)? {
        if let Some(record) = queue.read_header(&id) {
            let (count, first) = held.entry(record.worker).or_insert((0, u64::MAX));
            *count += 1;
            *first = record.fence.min(*first);
        }
    }
    Ok(held)
}
