//! TASK.STATS: a queue in numbers, each exact and O(1); and the kinds of its tasks.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Name;
use crate::reply::Reply;
use crate::state::State;
use crate::state::queue::KindCounts;
use crate::state::rest::Past;
use crate::state::sums::Holds;
use crate::stats::Durations;
use crate::task::handle::Queue;
use crate::task::overview;
use crate::time::Wall;

arguments! {
    pub(crate) struct StatsArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        kinds: bool = Arg::flag("KINDS").means("the numbers of each kind of its tasks"),
    }
}

/// TASK.STATS.
pub(crate) struct Stats;

impl Command for Stats {
    type Args<'a> = StatsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.STATS",
        summary: "Shows how many tasks of a queue are in each state, and what happened to its tasks since the module was loaded.",
        complexity: "O(1), O(N) for N kinds",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: StatsArgs::ARGS,
        reply: "map `scheduled_tasks`, `ready_tasks`, `claimed_tasks`, `blocked_tasks`, `done_tasks`, `dead_tasks`, `scheduled_total`, `claimed_total`, `acked_total`, `failed_total`, `lost_total`, `dead_total`, `expired_total`, `cancelled_total`, `since_at`, `oldest_ready_ms`, `late_p50_ms`, `late_p99_ms`, `late_max_ms`, `run_p50_ms`, `run_p99_ms`, `waiting_clients`, `paused_until`; with KINDS an array of maps `kind`, `claimed_total`, `acked_total`, `failed_total`, `dead_total`, `claimed_tasks`, `run_total_ms`, `run_p50_ms`, `run_p99_ms`",
        errors: &[],
    };

    fn run(args: &StatsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        if args.kinds {
            return Ok(kinds(&queue.state.past(&queue.name)).into());
        }
        let holds = overview::of(queue)?;
        let mut map = Vec::with_capacity(FIELDS);
        add(&mut map, queue.state, &queue.name, &holds, queue.context.wall);
        Ok(Reply::Map(map).into())
    }
}

/// How many fields there are.
pub(crate) const FIELDS: usize = 23;

/// Adds the fields of a queue. Returns what happened in it, for its kinds.
pub(crate) fn add<'s>(
    map: &mut Vec<(&'static str, Reply)>,
    state: &'s State,
    name: &Name,
    holds: &Holds,
    now: Wall,
) -> Past<'s> {
    let past = state.past(name);
    let tasks = |count: u32| Reply::Int(count.into());
    let (late_p50, late_p99) = quantiles(past.lateness);
    let (run_p50, run_p99) = quantiles(past.runs);
    let oldest = (holds.oldest != Wall::default()).then(|| now.since(holds.oldest).max(0));
    let paused = (holds.paused > now).then(|| {
        if holds.paused == Wall(i64::MAX) {
            -1
        } else {
            holds.paused.0
        }
    });
    map.extend([
        ("scheduled_tasks", tasks(holds.scheduled)),
        ("ready_tasks", tasks(holds.ready)),
        ("claimed_tasks", tasks(holds.claimed)),
        ("blocked_tasks", tasks(holds.blocked)),
        ("done_tasks", tasks(holds.done)),
        ("dead_tasks", tasks(holds.dead)),
        ("scheduled_total", Reply::number(past.totals.scheduled)),
        ("claimed_total", Reply::number(past.totals.claimed)),
        ("acked_total", Reply::number(past.totals.acked)),
        ("failed_total", Reply::number(past.totals.failed)),
        ("lost_total", Reply::number(past.totals.lost)),
        ("dead_total", Reply::number(past.totals.dead)),
        ("expired_total", Reply::number(past.totals.expired)),
        ("cancelled_total", Reply::number(past.totals.cancelled)),
        ("since_at", Reply::Int(state.since.0)),
        ("oldest_ready_ms", Reply::int_or_null(oldest)),
        ("late_p50_ms", late_p50),
        ("late_p99_ms", late_p99),
        (
            "late_max_ms",
            Reply::int_or_null(past.lateness.and_then(Durations::max)),
        ),
        ("run_p50_ms", run_p50),
        ("run_p99_ms", run_p99),
        ("waiting_clients", Reply::count(state.waiting.count(name))),
        ("paused_until", Reply::int_or_null(paused)),
    ]);
    past
}

/// What happened to the tasks of each kind.
pub(crate) fn kinds(past: &Past<'_>) -> Reply {
    let kinds = past.kinds.into_iter().flat_map(KindCounts::iter);
    let maps = kinds.map(|(kind, stats)| {
        let (run_p50, run_p99) = quantiles(Some(&stats.runs));
        Reply::Map(vec![
            ("kind", Reply::text(kind)),
            ("claimed_total", Reply::number(stats.claimed)),
            ("acked_total", Reply::number(stats.acked)),
            ("failed_total", Reply::number(stats.failed)),
            ("dead_total", Reply::number(stats.dead)),
            ("claimed_tasks", Reply::number(stats.running)),
            ("run_total_ms", Reply::number(stats.run_ms)),
            ("run_p50_ms", run_p50),
            ("run_p99_ms", run_p99),
        ])
    });
    Reply::Array(maps.collect())
}

/// The median and the 99th percentile.
fn quantiles(durations: Option<&Durations>) -> (Reply, Reply) {
    match durations.and_then(Durations::quantiles) {
        Some((median, p99)) => (Reply::Int(median), Reply::Int(p99)),
        None => (Reply::Null, Reply::Null),
    }
}
