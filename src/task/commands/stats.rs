//! TASK.STATS: a queue in numbers, each exact and O(1).

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Name, PRIORITIES};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::task::index::{ready, targeted};
use crate::task::{self, dispatch};
use crate::time::{Ms, Wall};
use crate::tx::{Command, Response, Tx};

/// Ids at the head of a ready list that are looked at for the oldest one that counts.
const HEADS: usize = 16;

/// TASK.STATS.
pub(crate) struct Stats;

impl Command for Stats {
    const SPEC: Spec = Spec {
        name: "TASK.STATS",
        summary: "Counts a queue's tasks in each state and what happened to them since the module was loaded.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE],
        reply: "map `scheduled`, `ready`, `claimed`, `blocked`, `done`, `dead`, `total_scheduled`, `total_claimed`, `total_acked`, `total_failed`, `total_lost`, `total_dead`, `total_expired`, `total_cancelled`, `since`, `oldest_ready`, `late_p50`, `late_p99`, `late_max`, `waiting`, `paused`",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(queue)?;
        let mut map = Vec::with_capacity(21);
        map.push(("scheduled", size(queue, Index::Scheduled)?));
        map.push(("ready", Reply::count(ready::count(queue)?)));
        for (field, index) in [
            ("claimed", Index::Claimed),
            ("blocked", Index::Blocked),
            ("done", Index::Done),
            ("dead", Index::Dead),
        ] {
            map.push((field, size(queue, index)?));
        }
        let oldest = oldest_ready(queue)?;
        let paused = if dispatch::is_paused(&settings, tx) {
            queue.settings.paused
        } else {
            None
        };
        let queue = queue.state.known_queue(&name);
        let totals = queue.map(|queue| queue.totals).unwrap_or_default();
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
        let lateness = queue.and_then(|queue| queue.lateness.as_deref());
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
            ("waiting", Reply::count(queue.state.waiting.count(&name))),
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

/// How long the oldest ready task has been due, ms.
pub(crate) fn oldest_ready(queue: &mut Queue<'_>) -> Result<Option<Ms>> {
    let mut oldest = None;
    for priority in 0..PRIORITIES {
        for id in queue.keys.lrange(queue.name.ready(priority), 0, HEADS)? {
            let record = queue.read_header(&id).filter(|record| ready::counts(record, priority));
            if let Some(record) = record {
                let age = queue.context.wall.since(record.due).max(0);
                oldest = oldest.max(Some(age));
                break;
            }
        }
    }
    for (due, id) in queue.keys.zlowest(queue.name.index(Index::Targeted), i64::MAX, HEADS)? {
        if queue.read_header(&id).is_some_and(|record| targeted::counts(&record)) {
            oldest = oldest.max(Some(queue.context.wall.since(Wall(due)).max(0)));
            break;
        }
    }
    Ok(oldest)
}
