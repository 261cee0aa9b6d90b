//! What happened to the tasks of a queue in the last hours and days, and how many were ready.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{NOTHING, now, number, percent, plain, to_queue};
use super::page::Page;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;
use crate::output::text::{self, brief};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// So many hours are kept.
const HOURS: i64 = 48;

/// One period, from its start.
type Part = (i64, Record);

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let queue = visit.query.need("name")?;
    let kind = visit.query.get("kind");
    let read = |unit: &str, count: i64| {
        let mut command = cmd("TASK.HISTORY");
        command.arg(queue).arg(unit).arg(count);
        if kind.is_some() {
            command.arg("KINDS");
        }
        let mut records = Record::all_of(&visit.user().call(queue, &command)?);
        records.retain(|record| record.text("kind").as_deref() == kind);
        Ok::<_, Trouble>(records)
    };
    let (hours, days) = (read("HOURS", HOURS)?, read("DAYS", 400)?);
    let charts = if kind.is_some() { &OF_KINDS[..] } else { &CHARTS };
    let of = kind.map_or_else(String::new, |kind| format!(", {}", plain(kind)));
    let body = html! {
        h1 { "History of " (to_queue(visit, queue)) (of) }
        (shown("The last 48 hours", charts, HOUR, &filled(&hours, HOUR, HOURS)))
        (shown("The last 400 days", charts, DAY, &filled(&days, DAY, 400)))
        p.hint {
            "Hours and days of UTC. " @if kind.is_none() { "Backlog: the most tasks that were ready at once. " }
            "The queue setting " code { "history" } " decides whether it is kept."
        }
    };
    let all = |records: &[Record]| records.iter().map(Record::json).collect::<Json>();
    Ok(Page {
        title: format!("History of {queue}{of}"),
        body,
        json: json!({ "queue": queue, "hours": all(&hours), "days": all(&days) }),
    })
}

/// All periods up to the present one, also those in which nothing happened.
fn filled(records: &[Record], length: i64, count: i64) -> Vec<Part> {
    let last = now() / length * length;
    let part = |back: i64| {
        let start = last - back * length;
        let found = records.iter().find(|record| record.number("start_at") == Some(start));
        (start, found.cloned().unwrap_or_default())
    };
    (0..count).rev().map(part).collect()
}

fn sum(parts: &[Part], names: &[&str]) -> i64 {
    let each = parts
        .iter()
        .flat_map(|(_, record)| names.iter().filter_map(|name| record.number(name)));
    each.sum()
}

/// The most tasks that were ready at once.
fn backlog(parts: &[Part]) -> i64 {
    let each = parts.iter().filter_map(|(_, record)| record.number("ready_max_tasks"));
    each.max().unwrap_or(0)
}

fn done(parts: &[Part]) -> i64 {
    sum(parts, &["acked_total"])
}

fn failed(parts: &[Part]) -> i64 {
    sum(parts, &["failed_total", "lost_total"])
}

/// Failed runs of a thousand that ended.
fn failure_rate(parts: &[Part]) -> i64 {
    let failed = failed(parts);
    failed * 1_000 / (failed + done(parts)).max(1)
}

/// How long a run took, ms.
fn mean_run(parts: &[Part]) -> i64 {
    sum(parts, &["run_total_ms"]) / sum(parts, &["acked_total", "failed_total"]).max(1)
}

/// What some periods have together.
type Value = fn(&[Part]) -> i64;
/// What is drawn: its class, its name, its value, and how that is told.
type Chart = (&'static str, &'static str, Value, fn(i64) -> String);

const DONE: Chart = ("out", "done", done, number);
const FAILURE_RATE: Chart = ("failed", "failure rate", failure_rate, percent);
const MEAN_RUN: Chart = ("out", "mean run", mean_run, brief);

const CHARTS: [Chart; 6] = [
    ("in", "scheduled", |parts| sum(parts, &["scheduled_total"]), number),
    DONE,
    ("failed", "failed or lost", failed, number),
    ("ready", "backlog", backlog, number),
    FAILURE_RATE,
    MEAN_RUN,
];
/// Those of one kind of task.
const OF_KINDS: [Chart; 4] = [DONE, ("failed", "failed", failed, number), FAILURE_RATE, MEAN_RUN];

/// The failure rate and the mean run of a kind in each of the last hours, small, and in all of them.
pub(super) fn of_kind(hours: &[Record]) -> [Markup; 2] {
    let parts = filled(hours, HOUR, HOURS);
    [FAILURE_RATE, MEAN_RUN].map(|chart| {
        let (class, label, value, told) = chart;
        html! {
            @if hours.is_empty() { span.none { (NOTHING) } } @else {
                div.row.trend {
                    svg.bars.trend.(class) viewBox=(view(&parts)) preserveAspectRatio="none" role="img" aria-label=(label) {
                        @let bars = heights(value, &parts).1.map(|(at, height)| format!("M{} 100v-{height}h8v{height}z", at * 10));
                        path d=(bars.collect::<String>()) {}
                    }
                    span { (told(value(&parts))) }
                }
            }
        }
    })
}

/// How large a chart is, of which each part takes ten by a hundred.
fn view(parts: &[Part]) -> String {
    format!("0 0 {} 100", parts.len() * 10)
}

/// The largest value of a part, and the place and the height of each part that has any.
fn heights(value: Value, parts: &[Part]) -> (i64, impl Iterator<Item = (usize, i64)>) {
    let values: Vec<i64> = parts.chunks(1).map(value).collect();
    let most = values.iter().copied().max().unwrap_or(0);
    let some = values.into_iter().enumerate().filter(|(_, value)| *value > 0);
    (most, some.map(move |(at, value)| (at, (value * 100 / most).max(2))))
}

fn shown(heading: &str, charts: &[Chart], length: i64, parts: &[Part]) -> Markup {
    html! {
        h2 { (heading) }
        dl.totals.small {
            @for (_, label, value, told) in charts { div { dt { (label) } dd { (told(value(parts))) } } }
            div { dt { "dead" } dd { (number(sum(parts, &["dead_total"]))) } }
        }
        div.charts {
            @for chart in charts { figure { (bars(chart, length, parts)) } }
        }
    }
}

/// A bar for each period, with what it says when one points at it.
fn bars((class, label, value, told): &Chart, length: i64, parts: &[Part]) -> Markup {
    let (most, heights) = heights(*value, parts);
    let unit = if length == DAY { "a day" } else { "an hour" };
    let said = format!("{label}: at most {} in {unit}", told(most));
    let bars = heights.filter_map(|(at, height)| Some((at, height, parts.get(at..=at)?)));
    html! {
        figcaption { (label) span { "at most " (told(most)) } }
        svg.bars.(class) viewBox=(view(parts)) preserveAspectRatio="none" role="img" aria-label=(said) {
            @for (at, height, part) in bars {
                rect x=(at * 10) y=(100 - height) width="8" height=(height) {
                    title { @for (start, _) in part { (text::moment(*start).unwrap_or_default()) } ": " (told(value(part))) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_without_anything_are_there_too() {
        let last = now() / HOUR * HOUR;
        let record = Record::default().and("start_at", last - 2 * HOUR).and("acked_total", 7);
        let parts = filled(&[record], HOUR, 4);
        let found: Vec<i64> = parts
            .iter()
            .map(|part| sum(std::slice::from_ref(part), &["acked_total"]))
            .collect();
        assert!(found == [0, 7, 0, 0] || found == [7, 0, 0, 0], "{found:?}");
        let shown = shown("x", &[DONE], HOUR, &parts).into_string();
        assert_eq!(shown.matches("<rect").count(), 1);
        let record = Record::default().and("acked_total", 7).and("lost_total", 1);
        let part = [(0, record.and("failed_total", 2).and("run_total_ms", 9_000))];
        assert_eq!(
            (percent(failure_rate(&part)), mean_run(&part)),
            ("30.0\u{2009}%".into(), 1_000)
        );
    }
}
