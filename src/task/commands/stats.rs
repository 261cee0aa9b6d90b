//! TASK.STATS: a queue in numbers, each exact and O(1); and the kinds of its tasks.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Index;
use crate::reply::Reply;
use crate::stats::Durations;
use crate::task::handle::Queue;
use crate::task::index::targeted;

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
        reply: "map `scheduled_tasks`, `ready_tasks`, `claimed_tasks`, `blocked_tasks`, `done_tasks`, `dead_tasks`, `scheduled_total`, `claimed_total`, `acked_total`, `failed_total`, `lost_total`, `dead_total`, `expired_total`, `cancelled_total`, `since_at`, `oldest_ready_ms`, `late_p50_ms`, `late_p99_ms`, `late_max_ms`, `run_p50_ms`, `run_p99_ms`, `waiting_clients`, `paused_until`; with KINDS an array of maps `kind`, `claimed_total`, `acked_total`, `failed_total`, `dead_total`, `claimed_tasks`, `run_total_ms` (to a hundredth), `run_p50_ms`, `run_p99_ms`",
        errors: &[],
    };

    fn run(args: &StatsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        if args.kinds {
            return Ok(kinds(queue).into());
        }
        let mut map = Vec::with_capacity(23);
        map.push(("scheduled_tasks", size(queue, Index::Scheduled)?));
        map.push(("ready_tasks", Reply::count(targeted::count_ready(queue)?)));
        for (field, index) in [
            ("claimed_tasks", Index::Claimed),
            ("blocked_tasks", Index::Blocked),
            ("done_tasks", Index::Done),
            ("dead_tasks", Index::Dead),
        ] {
            map.push((field, size(queue, index)?));
        }
        let oldest = targeted::oldest_ready(queue)?;
        let paused = queue.settings.paused.filter(|_| queue.is_paused());
        let memory = queue.state.known_queue(&queue.name);
        let totals = memory.map(|memory| memory.totals).unwrap_or_default();
        for (field, total) in [
            ("scheduled_total", totals.scheduled),
            ("claimed_total", totals.claimed),
            ("acked_total", totals.acked),
            ("failed_total", totals.failed),
            ("lost_total", totals.lost),
            ("dead_total", totals.dead),
            ("expired_total", totals.expired),
            ("cancelled_total", totals.cancelled),
        ] {
            map.push((field, Reply::number(total)));
        }
        let lateness = memory.and_then(|memory| memory.lateness.as_deref());
        let runs = memory.and_then(|memory| memory.runs.as_deref());
        map.extend([
            ("since_at", Reply::Int(queue.state.since.0)),
            ("oldest_ready_ms", Reply::int_or_null(oldest)),
            ("late_p50_ms", quantile(lateness, 0.5)),
            ("late_p99_ms", quantile(lateness, 0.99)),
            (
                "late_max_ms",
                Reply::int_or_null(lateness.and_then(|lateness| lateness.max())),
            ),
            ("run_p50_ms", quantile(runs, 0.5)),
            ("run_p99_ms", quantile(runs, 0.99)),
            ("waiting_clients", Reply::count(queue.state.waiting.count(&queue.name))),
            (
                "paused_until",
                Reply::int_or_null(paused.map(|until| if until == i64::MAX { -1 } else { until })),
            ),
        ]);
        Ok(Reply::Map(map).into())
    }
}

/// What happened to the tasks of each kind.
fn kinds(queue: &Queue<'_>) -> Reply {
    let memory = queue.state.known_queue(&queue.name);
    let kinds = memory.and_then(|memory| memory.kinds.as_deref());
    let kinds = kinds.into_iter().flat_map(|kinds| kinds.iter());
    let maps = kinds.map(|(kind, stats)| {
        Reply::Map(vec![
            ("kind", Reply::text(kind)),
            ("claimed_total", Reply::number(stats.claimed)),
            ("acked_total", Reply::number(stats.acked)),
            ("failed_total", Reply::number(stats.failed)),
            ("dead_total", Reply::number(stats.dead)),
            ("claimed_tasks", Reply::number(stats.running)),
            ("run_total_ms", Reply::number(stats.runs.total())),
            ("run_p50_ms", quantile(Some(&stats.runs), 0.5)),
            ("run_p99_ms", quantile(Some(&stats.runs), 0.99)),
        ])
    });
    Reply::Array(maps.collect())
}

fn quantile(durations: Option<&Durations>, share: f64) -> Reply {
    Reply::int_or_null(durations.and_then(|durations| durations.quantile(share)))
}

fn size(queue: &mut Queue<'_>, index: Index) -> Result<Reply> {
    queue.keys.zcard(queue.name.index(index)).map(Reply::count)
}
