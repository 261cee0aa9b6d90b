//! TASK.STATS: a queue in numbers, each exact and O(1).

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, QueueArgs, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::names::Index;
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::index::targeted;

/// TASK.STATS.
pub(crate) struct Stats;

impl Command for Stats {
    type Args<'a> = QueueArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.STATS",
        summary: "Counts a queue's tasks in each state and what happened to them since the module was loaded.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: QueueArgs::ARGS,
        reply: "map `scheduled`, `ready`, `claimed`, `blocked`, `done`, `dead`, `total_scheduled`, `total_claimed`, `total_acked`, `total_failed`, `total_lost`, `total_dead`, `total_expired`, `total_cancelled`, `since`, `oldest_ready`, `late_p50`, `late_p99`, `late_max`, `waiting`, `paused`",
    };

    fn run(_: &QueueArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut map = Vec::with_capacity(21);
        map.push(("scheduled", size(queue, Index::Scheduled)?));
        map.push(("ready", Reply::count(targeted::count_ready(queue)?)));
        for (field, index) in [
            ("claimed", Index::Claimed),
            ("blocked", Index::Blocked),
            ("done", Index::Done),
            ("dead", Index::Dead),
        ] {
            map.push((field, size(queue, index)?));
        }
        let oldest = targeted::oldest_ready(queue)?;
        let paused = queue.settings.paused.filter(|_| queue.is_paused());
        let memory = queue.state.known_queue(&queue.name);
        let totals = memory.map(|memory| memory.totals).unwrap_or_default();
        for (field, total) in [
            ("total_scheduled", totals.scheduled),
            ("total_claimed", totals.claimed),
            ("total_acked", totals.acked),
            ("total_failed", totals.failed),
            ("total_lost", totals.lost),
            ("total_dead", totals.dead),
            ("total_expired", totals.expired),
            ("total_cancelled", totals.cancelled),
        ] {
            map.push((field, Reply::number(total)));
        }
        let lateness = memory.and_then(|memory| memory.lateness.as_deref());
        let late = |share: f64| Reply::int_or_null(lateness.and_then(|lateness| lateness.quantile(share)));
        map.extend([
            ("since", Reply::Int(queue.state.since.0)),
            ("oldest_ready", Reply::int_or_null(oldest)),
            ("late_p50", late(0.5)),
            ("late_p99", late(0.99)),
            (
                "late_max",
                Reply::int_or_null(lateness.and_then(|lateness| lateness.max())),
            ),
            ("waiting", Reply::count(queue.state.waiting.count(&queue.name))),
            (
                "paused",
                Reply::Int(match paused {
                    None => 0,
                    Some(i64::MAX) => -1,
                    Some(until) => until,
                }),
            ),
        ]);
        Ok(Reply::Map(map).into())
    }
}

fn size(queue: &mut Queue<'_>, index: Index) -> Result<Reply> {
    queue.keys.zcard(queue.name.index(index)).map(Reply::count)
}
