//! `steward history`: a chart in a table, as each hour has its numbers too.

use std::collections::BTreeMap;

use redis::cmd;

use super::Server;
use crate::args::Output;
use crate::connect::Reply;
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::table::{Rows, one};
use crate::output::text;

const COLUMNS: [&str; 9] = [
    "start", "in", "acked", "failed", "lost", "dead", "ready", "run_ms", "chart",
];
/// What the other columns take, and the least and the most that are left for the chart.
const OTHERS: u16 = 72;
const NARROW: u16 = 8;
const WIDE: u16 = 60;

const KIND_COLUMNS: [&str; 6] = ["start", "kind", "acked", "failed", "dead", "run_ms"];
/// The columns of single numbers, and where these are in a reply.
const NUMBERS: [(&str, &str); 6] = [
    ("in", "scheduled_total"),
    ("acked", "acked_total"),
    ("failed", "failed_total"),
    ("lost", "lost_total"),
    ("dead", "dead_total"),
    ("ready", "ready_max_tasks"),
];

pub(super) fn run(
    server: &mut Server<'_>,
    queue: &str,
    (hours, days): (Option<u16>, Option<u16>),
    kinds: bool,
) -> Result<u8, Failure> {
    let mut command = cmd("TASK.HISTORY");
    command.arg(queue);
    let (word, count, length) = match (hours, days) {
        (_, Some(days)) => ("DAYS", days, 86_400_000),
        (hours, None) => ("HOURS", hours.unwrap_or(48), 3_600_000),
    };
    command.arg(word).arg(count);
    if kinds {
        command.arg("KINDS");
    }
    let buckets = Record::all_of(&server.call(&command)?);
    if server.output == Output::Json {
        buckets.iter().try_for_each(|bucket| one(server.output, bucket))?;
        return Ok(0);
    }
    if kinds {
        return of_kinds(server, &buckets);
    }
    let buckets: BTreeMap<u64, Record> = buckets
        .into_iter()
        .filter_map(|bucket| Some((number(&bucket, "start_at")?, bucket)))
        .collect();
    let (Some(first), Some(last)) = (buckets.keys().next(), buckets.keys().next_back()) else {
        return Ok(0);
    };
    let width = text::terminal().map_or(WIDE, |(width, _)| width.saturating_sub(OTHERS).clamp(NARROW, WIDE));
    let most = buckets
        .values()
        .map(|bucket| runs(bucket).0 + runs(bucket).1)
        .max()
        .unwrap_or(0);
    let mut rows = Rows::new(server.output, &COLUMNS);
    // Those in which nothing happened are shown too: else a pause would not be seen.
    for start in (*first..=*last).step_by(length) {
        let bucket = buckets.get(&start).cloned().unwrap_or_default();
        rows.add(row(start, &bucket, most, u64::from(width)))?;
    }
    rows.end()?;
    Ok(0)
}

fn of_kinds(server: &Server<'_>, buckets: &[Record]) -> Result<u8, Failure> {
    let mut rows = Rows::new(server.output, &KIND_COLUMNS);
    for bucket in buckets {
        let kind = bucket.text("kind").unwrap_or_default();
        let row = begun(number(bucket, "start_at").unwrap_or(0)).and("kind", &kind[..]);
        rows.add(with_numbers(row, bucket, &KIND_COLUMNS))?;
    }
    rows.end()?;
    Ok(0)
}

fn number(bucket: &Record, name: &str) -> Option<u64> {
    bucket.get(name).and_then(Reply::number)
}

/// How many were acknowledged, and how many failed.
fn runs(bucket: &Record) -> (u64, u64) {
    let of = |name| number(bucket, name).unwrap_or(0);
    (of("acked_total"), of("failed_total"))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A row of a bucket that begins then: on a full minute, so the columns fit into 80 letters without its seconds.
fn begun(start: u64) -> Record {
    let begins = text::moment(signed(start)).unwrap_or_default().replacen(":00 ", " ", 1);
    Record::default().and("start", &begins[..])
}

/// The row with the numbers of its bucket that have a column, and how long its runs took on average.
fn with_numbers(mut row: Record, bucket: &Record, columns: &[&str]) -> Record {
    for (column, name) in NUMBERS.iter().filter(|(column, _)| columns.contains(column)) {
        row = row.and(column, signed(number(bucket, name).unwrap_or(0)));
    }
    let (acked, failed) = runs(bucket);
    if let Some(run) = number(bucket, "run_total_ms").and_then(|run| run.checked_div(acked + failed)) {
        row = row.and("run_ms", signed(run));
    }
    row
}

fn row(start: u64, bucket: &Record, most: u64, width: u64) -> Record {
    let row = with_numbers(begun(start), bucket, &COLUMNS);
    let (acked, failed) = runs(bucket);
    let chart = bar(acked, most, width, '█') + &bar(failed, most, width, '░');
    if chart.is_empty() {
        row
    } else {
        row.and("chart", &chart[..])
    }
}

/// At least one letter for what is there at all.
fn bar(count: u64, most: u64, width: u64, letter: char) -> String {
    let letters = (count * width).div_ceil(most.max(1)).min(width);
    std::iter::repeat_n(letter, usize::try_from(letters).unwrap_or(0)).collect()
}
