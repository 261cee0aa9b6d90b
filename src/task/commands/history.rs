//! TASK.HISTORY: what happened to the tasks of a queue and how many were ready, hour by hour or day by day.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::history::{Bucket, Counts, Span};
use crate::reply::Reply;
use crate::task::handle::Queue;
use crate::task::history::stored;
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
    }
}

/// TASK.HISTORY.
pub(crate) struct History;

impl Command for History {
    type Args<'a> = HistoryArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.HISTORY",
        summary: "Shows what happened to the tasks of a queue, and how many were ready, hour by hour or day by day, in UTC.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: HistoryArgs::ARGS,
        reply: "array of maps `start_at`, `scheduled_total`, `acked_total`, `failed_total`, `lost_total`, `dead_total`, `run_total_ms` (of the runs that were acknowledged or failed), `ready_max_tasks` (the most that were ready at once, looked at once a second), the oldest first; without those in which nothing happened and no task was ready",
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
        let mut buckets = stored(queue)?;
        for (hour, counts) in queue.state.names.histories.unwritten(&name, context.wall) {
            let bucket = Bucket::at(span, hour.start());
            buckets.entry(bucket).or_default().add(&counts);
        }
        let first = Bucket::first_of(span, count, context.wall);
        let shown = buckets.into_iter();
        let shown = shown.filter(|(bucket, counts)| bucket.span == span && *bucket >= first && !counts.is_zero());
        Ok(Reply::Array(shown.map(|(bucket, counts)| map(bucket, &counts)).collect()).into())
    }
}

fn map(bucket: Bucket, counts: &Counts) -> Reply {
    let numbers = counts.numbers().map(|(name, number)| (name, Reply::number(number)));
    Reply::Map(
        std::iter::once(("start_at", Reply::Int(bucket.start().0)))
            .chain(numbers)
            .collect(),
    )
}
