//! TASK.HISTORY: what happened to the tasks of a queue and how many were ready, hour by hour or day by day.

use std::collections::BTreeMap;

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::history::{Bucket, Happened, Span};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::history;
use crate::timer;

arguments! {
    /// How much of it.
    pub(crate) enum Of {
        Hours(n: i64) = Arg::option("HOURS", Arg::int("n", 1, Span::Hour.kept(), ""))
            .means("the last hours, with the present one; by default 48"),
        Days(n: i64) = Arg::option("DAYS", Arg::int("n", 1, Span::Day.kept(), ""))
            .means("the last days, with the present one"),
    }
}

arguments! {
    pub(crate) struct HistoryArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        of: Option<Of> = Arg::one_of("of"),
        kinds: bool = Arg::flag("KINDS").means("what happened to the tasks of each kind, in place of all tasks"),
    }
}

/// TASK.HISTORY.
pub(crate) struct History;

impl Command for History {
    type Args<'a> = HistoryArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.HISTORY",
        summary: "Shows what happened to the tasks of a queue and how many were ready, hour by hour or day by day, in UTC.",
        complexity: "O(1), O(N) for N kinds",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: HistoryArgs::ARGS,
        reply: "array of maps `start_at`, `scheduled_total`, `acked_total`, `failed_total`, `lost_total`, `dead_total`, `run_total_ms` (of the runs that were acknowledged or failed), `ready_max_tasks` (the most that were ready at once, looked at once a second), the oldest first; without those in which nothing happened and no task was ready; with KINDS an array of maps `start_at`, `kind`, `acked_total`, `failed_total`, `dead_total`, `run_total_ms`, one for each kind in each hour or day",
        errors: &[],
    };

    fn run(args: &HistoryArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let (span, count) = match args.of {
            None => (Span::Hour, Span::Hour.kept()),
            Some(Of::Hours(count)) => (Span::Hour, count),
            Some(Of::Days(count)) => (Span::Day, count),
        };
        let (name, context) = (queue.name.clone(), queue.context);
        let ready = timer::holds(&mut queue.tx(), &name).ready;
        // Perhaps it was measured in an hour that is over.
        queue.state.count_history(&name, ready, &context);
        let first = Bucket::first_of(span, count, context.wall);
        let is_shown = |bucket: Bucket| bucket.span == span && bucket >= first;
        let stored = history::stored(queue)?.into_iter();
        let stored = stored.filter(|(bucket, _)| is_shown(*bucket));
        let mut buckets: BTreeMap<Bucket, Happened> = stored.map(|(bucket, all)| (bucket, all.into())).collect();
        if args.kinds {
            for (bucket, happened) in &mut buckets {
                happened.kinds = history::kinds(queue, *bucket)?;
            }
        }
        for (hour, happened) in queue.state.names.histories.unwritten(&name, context.wall) {
            let bucket = Bucket::at(span, hour.start());
            if is_shown(bucket) {
                buckets.entry(bucket).or_default().add(happened);
            }
        }
        let shown = buckets.iter().filter(|(_, happened)| !happened.is_zero());
        let maps = if args.kinds {
            shown
                .flat_map(|(bucket, happened)| of_kinds(*bucket, happened))
                .collect()
        } else {
            shown
                .map(|(bucket, happened)| map(*bucket, None, happened.all.numbers()))
                .collect()
        };
        Ok(Reply::Array(maps).into())
    }
}

/// What is counted of each kind.
const OF_KINDS: [&str; 4] = ["acked_total", "failed_total", "dead_total", "run_total_ms"];

fn of_kinds(bucket: Bucket, happened: &Happened) -> impl Iterator<Item = Reply> {
    happened.kinds.iter().map(move |(kind, counts)| {
        let numbers = counts.numbers().filter(|(name, _)| OF_KINDS.contains(name));
        map(bucket, Some(kind), numbers)
    })
}

fn map(bucket: Bucket, kind: Option<&str>, numbers: impl Iterator<Item = (&'static str, u64)>) -> Reply {
    let start = std::iter::once(("start_at", Reply::Int(bucket.start().0)));
    let kind = kind.map(|kind| ("kind", Reply::text(kind)));
    let numbers = numbers.map(|(name, number)| (name, Reply::number(number)));
    Reply::Map(start.chain(kind).chain(numbers).collect())
}
