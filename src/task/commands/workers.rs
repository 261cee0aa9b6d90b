//! TASK.WORKERS: how many claims each worker has.

use std::collections::HashMap;

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Index;
use crate::pages;
use crate::reply::Reply;
use crate::state::queue::{QueueState, Rebase};
use crate::task::handle::Queue;
use crate::task::worker;

/// Claims that are read if memory does not know all of them.
const SCANNED: usize = 10_000;

arguments! {
    pub(crate) struct WorkersArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        cursor: Option<&'a [u8]> = pages::CURSOR,
        count: Option<usize> = pages::COUNT,
    }
}

/// TASK.WORKERS.
pub(crate) struct Workers;

impl Command for Workers {
    type Args<'a> = WorkersArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.WORKERS",
        summary: "Lists the workers that claimed recently by name, and how many tasks each one holds.",
        complexity: "O(N) for N workers on the page; on a replica, and just after a load, for all workers and claims",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: WorkersArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps `worker`, `state` (of the member of that name: up, grace or null), `claimed_tasks`, `oldest_claim_ms` (age of its oldest claim, or null)",
        errors: &[],
    };

    fn run(args: &WorkersArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let (after, count) = (pages::after(args.cursor)?, pages::count(args.count));
        let known = queue.known_workers()?;
        let workers = known.after(after).map(|(name, number)| (name.to_string(), number));
        // One more tells whether there is another page.
        let mut workers: Vec<(String, u32)> = workers.take(count + 1).collect();
        let is_last = workers.len() <= count;
        workers.truncate(count);
        let cursor = pages::cursor(workers.last().filter(|_| !is_last).map(|(name, _)| name.as_str()));
        let mut maps = Vec::with_capacity(workers.len());
        for ((name, _), (claimed, oldest)) in workers.iter().zip(held(queue, &workers)?) {
            let state = worker::member_state(queue, name);
            // A token is the wall time of its claim in µs.
            let age = |token| i64::try_from(queue.context.wall_us.saturating_sub(token) / 1_000).unwrap_or(i64::MAX);
            maps.push(Reply::Map(vec![
                ("worker", Reply::text(name)),
                ("state", state.map_or(Reply::Null, Reply::Word)),
                ("claimed_tasks", Reply::count(claimed)),
                ("oldest_claim_ms", Reply::int_or_null(oldest.map(age))),
            ]));
        }
        Ok(Reply::Array(vec![cursor, Reply::Array(maps)]).into())
    }
}

/// The memory of the queue, if it knows all claims: not on a replica, nor until the first walk after a load.
fn memory<'q>(queue: &'q Queue<'_>) -> Option<&'q QueueState> {
    let memory = queue.state.known_queue(&queue.name)?;
    (memory.rebase == Rebase::Done).then_some(memory)
}

/// How many claims these workers have, and the token of the oldest of each.
fn held(queue: &mut Queue<'_>, workers: &[(String, u32)]) -> Result<Vec<(usize, Option<u64>)>> {
    let numbers = workers.iter().map(|(_, number)| number);
    if let Some(QueueState { claims, .. }) = memory(queue) {
        let held = numbers.map(|number| (claims.count(*number), claims.oldest(*number)));
        return Ok(held.collect());
    }
    let scanned = scan(queue)?;
    let held = numbers.map(|number| scanned.get(number).copied().unwrap_or_default());
    Ok(held.collect())
}

/// How many claims each worker has.
pub(super) fn claims(queue: &mut Queue<'_>) -> Result<Vec<(u32, usize)>> {
    if let Some(memory) = memory(queue) {
        return Ok(memory.claims.summary().collect());
    }
    let scanned = scan(queue)?.into_iter();
    Ok(scanned.map(|(worker, (count, _))| (worker, count)).collect())
}

/// How many claims each worker has, and the token of its oldest one, as their headers say.
fn scan(queue: &mut Queue<'_>) -> Result<HashMap<u32, (usize, Option<u64>)>> {
    let mut claims: HashMap<u32, (usize, Option<u64>)> = HashMap::new();
    let claimed = queue.name.index(Index::Claimed);
    for (_, id) in queue.keys.zlowest(claimed, i64::MAX, SCANNED)? {
        if let Some(task) = queue.read_header(&id) {
            let (count, oldest) = claims.entry(task.header.worker).or_default();
            let token = task.header.fence;
            *count += 1;
            *oldest = Some(oldest.map_or(token, |oldest| oldest.min(token)));
        }
    }
    Ok(claims)
}
