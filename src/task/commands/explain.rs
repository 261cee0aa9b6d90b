//! TASK.EXPLAIN: what keeps the tasks of a queue from being done.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments, ensure_few};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Index;
use crate::reply::Reply;
use crate::state::queue::Rebase;
use crate::task::commands::workers;
use crate::task::handle::Queue;
use crate::task::header::TaskState;
use crate::task::index::{ready, targeted};
use crate::task::worker::{self, Membership};
use crate::time::{Ms, Steady};
use crate::waiting::Turn;

/// Workers that a text names.
const NAMED: usize = 5;
/// Tasks and clients that are looked at.
const LOOKED_AT: usize = 100;
const WORKER: Typed<&str> = Arg::text("worker").means("a worker");

arguments! {
    pub(crate) struct ExplainArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        workers: Vec<&'a str> = Arg::any("workers", &WORKER)
            .means("what keeps these workers from claiming them, at most 1,000; by default any worker"),
    }
}

/// TASK.EXPLAIN.
pub(crate) struct Explain;

impl Command for Explain {
    type Args<'a> = ExplainArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.EXPLAIN",
        summary: "Says why the tasks of a queue are not being done, by any worker or by these.",
        complexity: "O(N) for N workers",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ExplainArgs::ARGS,
        reply: "array of maps `cause` (writes-refused, memory-full, timer-held, paused, concurrency, rate, quiet, members-down, no-member, targeted, backoff, scheduled, blocked, unclaimed, empty), `text`, `until_at` (when it ends by itself, or null)",
        errors: &[],
    };

    fn run(args: &ExplainArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_few("workers", args.workers.len())?;
        let mut causes = Causes::default();
        of_the_server(queue, &mut causes);
        of_the_queue(queue, &mut causes)?;
        let membership = worker::membership(queue)?;
        if args.workers.is_empty() {
            of_all_workers(queue, membership, &mut causes);
        }
        for worker in &args.workers {
            of_a_worker(queue, worker, membership, &mut causes);
        }
        of_the_tasks(queue, &args.workers, &mut causes)?;
        Ok(Reply::Array(causes.0).into())
    }
}

/// Those that were found.
#[derive(Default)]
struct Causes(Vec<Reply>);

impl Causes {
    fn add(&mut self, cause: &'static str, text: impl Into<String>, until: Option<Ms>) {
        self.0.push(Reply::Map(vec![
            ("cause", Reply::Word(cause)),
            ("text", Reply::text(text)),
            ("until_at", Reply::int_or_null(until)),
        ]));
    }
}

fn of_the_server(queue: &mut Queue<'_>, causes: &mut Causes) {
    if let Some(error) = queue.keys.write_refusal(&queue.name) {
        causes.add("writes-refused", error, None);
    }
    if queue.context.memory_full {
        causes.add(
            "memory-full",
            "used memory is above maxmemory: no tasks are added",
            None,
        );
    }
    if !queue.context.config.timer {
        causes.add(
            "timer-held",
            "steward.timer is no: nothing becomes due or expires",
            None,
        );
    }
}

fn of_the_queue(queue: &mut Queue<'_>, causes: &mut Causes) -> Result<()> {
    if let Some(until) = queue.settings.paused.filter(|_| queue.is_paused()) {
        let until = (until != i64::MAX).then_some(until);
        let text = until.map_or(
            "paused until TASK.RESUME",
            |_| "paused for a time, or until TASK.RESUME",
        );
        causes.add("paused", text, until);
    }
    let most = queue.settings.numbers.concurrency(&queue.context.config);
    if most > 0 && queue.keys.zcard(queue.name.index(Index::Claimed))? >= most {
        let text = format!("concurrency {most} is reached: {}", holders(queue)?);
        let until = first_lease(queue)?;
        causes.add("concurrency", text, until);
    }
    let now = queue.context.steady;
    let memory = queue.state.known_queue_mut(&queue.name);
    if let Some((rate, memory)) = queue.settings.rate.zip(memory)
        && memory.recent.room(rate, now) == 0
    {
        let until = memory
            .recent
            .next(rate)
            .map(|next| queue.context.wall.after(next.since(now)).0);
        causes.add("rate", format!("rate {rate} is reached"), until);
    }
    Ok(())
}

/// Who has the claimed tasks.
fn holders(queue: &mut Queue<'_>) -> Result<String> {
    let mut holders = workers::claims(queue)?;
    holders.sort_unstable_by_key(|(number, count)| (usize::MAX - count, *number));
    let mut text = Vec::new();
    for (number, count) in holders.iter().take(NAMED) {
        let worker = queue.worker_name(*number)?.unwrap_or_default();
        text.push(format!("{worker} has {count}"));
    }
    if holders.len() > NAMED {
        text.push(format!("{} others", holders.len() - NAMED));
    }
    Ok(text.join(", "))
}

/// When the first lease ends, unless it is extended. Only the process that granted it knows.
fn first_lease(queue: &mut Queue<'_>) -> Result<Option<Ms>> {
    let memory = queue.state.known_queue(&queue.name);
    if memory.is_none_or(|memory| memory.rebase != Rebase::Done) {
        return Ok(None);
    }
    let first = queue.keys.zlowest(queue.name.index(Index::Claimed), i64::MAX, 1)?;
    let deadline = first.first().map(|(deadline, _)| Steady(*deadline));
    let left = deadline.filter(|deadline| *deadline != Steady::NEVER);
    Ok(left.map(|deadline| queue.context.wall.after(deadline.since(queue.context.steady).max(0)).0))
}

fn of_all_workers(queue: &mut Queue<'_>, membership: Membership, causes: &mut Causes) {
    let service = queue.settings.service.clone();
    match membership {
        Membership::None => causes.add(
            "members-down",
            format!("service {} has no members", service.text()),
            None,
        ),
        Membership::Away => {
            let text = format!("the members of service {} have lost their connections", service.text());
            causes.add("members-down", text, None);
        }
        Membership::Unused | Membership::Up => {}
    }
    let waiting = queue.state.waiting.claimers_of(&queue.name);
    let waiting: Vec<String> = waiting
        .map(|(_, request)| request.worker.clone())
        .take(LOOKED_AT)
        .collect();
    if !waiting.is_empty() && waiting.iter().all(|worker| worker::is_quiet(queue, worker)) {
        causes.add(
            "quiet",
            "the workers that wait for tasks are told to be quiet (HB.SIGNAL)",
            None,
        );
    }
}

fn of_a_worker(queue: &mut Queue<'_>, worker: &str, membership: Membership, causes: &mut Causes) {
    let is_member = worker::member_state(queue, worker).is_some();
    if worker::is_quiet(queue, worker) {
        causes.add("quiet", format!("{worker} is told to be quiet (HB.SIGNAL)"), None);
    } else if !is_member && membership != Membership::Unused {
        let service = queue.settings.service.text();
        causes.add(
            "no-member",
            format!("{worker} is no member of service {service}: no LEASE MEMBER"),
            None,
        );
    }
}

fn of_the_tasks(queue: &mut Queue<'_>, workers: &[&str], causes: &mut Causes) -> Result<()> {
    let in_lists = ready::count(queue)?;
    let for_one = targeted::count_ready(queue)? - in_lists;
    let own = workers.iter().any(|worker| targeted::has_any(queue, worker));
    if in_lists > 0 || own {
        return unclaimed(queue, workers, causes);
    }
    if for_one > 0 {
        causes.add(
            "targeted",
            format!("{} ready for one worker alone (TO)", tasks(for_one)),
            None,
        );
    }
    let scheduled = queue.keys.zcard(queue.name.index(Index::Scheduled))?;
    let blocked = queue.keys.zcard(queue.name.index(Index::Blocked))?;
    if scheduled > 0 {
        not_due(queue, scheduled, causes)?;
    }
    if blocked > 0 {
        let text = format!("{} blocked, by a group or until others end (AFTER)", tasks(blocked));
        causes.add("blocked", text, None);
    }
    let claimed = queue.keys.zcard(queue.name.index(Index::Claimed))?;
    if for_one + scheduled + blocked + claimed == 0 {
        causes.add("empty", "no task waits", None);
    }
    Ok(())
}

/// There are ready tasks; somebody must ask for them.
fn unclaimed(queue: &mut Queue<'_>, workers: &[&str], causes: &mut Causes) -> Result<()> {
    let ready = tasks(targeted::count_ready(queue)?);
    if queue.state.waiting.count(&queue.name) == 0 {
        causes.add("unclaimed", format!("{ready} ready, and no client waits for one"), None);
        return Ok(());
    }
    for worker in workers {
        if queue
            .state
            .waiting
            .next_of(&queue.name, worker, Turn::After(0))
            .is_none()
        {
            causes.add(
                "unclaimed",
                format!("{ready} ready, and {worker} does not wait for one"),
                None,
            );
        }
    }
    Ok(())
}

/// Nothing is ready, and so many tasks wait for their due times.
fn not_due(queue: &mut Queue<'_>, scheduled: usize, causes: &mut Causes) -> Result<()> {
    let first = queue
        .keys
        .zlowest(queue.name.index(Index::Scheduled), i64::MAX, LOOKED_AT)?;
    let failed = |queue: &mut Queue<'_>, id: &[u8]| {
        let task = queue.read_header(id);
        task.is_some_and(|task| task.header.state == TaskState::Waiting && task.header.attempts > 0)
    };
    let until = first.first().map(|(due, _)| *due);
    let count = tasks(scheduled);
    if !first.iter().all(|(_, id)| failed(queue, id)) {
        causes.add("scheduled", format!("{count} not due yet"), until);
    } else if scheduled > LOOKED_AT {
        let text = format!("{count} not due yet, the first {LOOKED_AT} of them after an attempt that failed");
        causes.add("backoff", text, until);
    } else {
        causes.add(
            "backoff",
            format!("{count} not due yet after an attempt that failed"),
            until,
        );
    }
    Ok(())
}

fn tasks(count: usize) -> String {
    if count == 1 {
        "1 task is".into()
    } else {
        format!("{count} tasks are")
    }
}
