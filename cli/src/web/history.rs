//! What happened to the tasks of a queue in the last hours and days.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{NOTHING, now, number, to_queue};
use super::page::Page;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;
use crate::output::text;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// One period, from its start.
type Part = (i64, Record);

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let queue = visit.query.need("name")?;
    let read = |unit: &str, count: i64| {
        let reply = visit
            .user()
            .call(queue, cmd("TASK.HISTORY").arg(queue).arg(unit).arg(count))?;
        Ok::<_, Trouble>(Record::all_of(&reply))
    };
    let (hours, days) = (read("HOURS", 48)?, read("DAYS", 400)?);
    let body = html! {
        h1 { "History of " (to_queue(visit, queue)) }
        (shown("The last 48 hours", HOUR, &filled(&hours, HOUR, 48)))
        (shown("The last 400 days", DAY, &filled(&days, DAY, 400)))
        p.hint { "Hours and days of UTC. The queue setting " code { "history" } " decides whether it is kept." }
    };
    let all = |records: &[Record]| records.iter().map(Record::json).collect::<Json>();
    Ok(Page {
        title: format!("History of {queue}"),
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

fn shown(heading: &str, length: i64, parts: &[Part]) -> Markup {
    const CHARTS: [(&str, &str, &[&str]); 3] = [
        ("in", "scheduled", &["scheduled_total"]),
        ("out", "done", &["acked_total"]),
        ("failed", "failed or lost", &["failed_total", "lost_total"]),
    ];
    let ended = sum(parts, &["acked_total", "failed_total"]);
    let mean = (ended > 0).then(|| text::brief(sum(parts, &["run_total_ms"]) / ended.max(1)));
    html! {
        h2 { (heading) }
        dl.totals.small {
            @for (_, label, names) in CHARTS { div { dt { (label) } dd { (number(sum(parts, names))) } } }
            div { dt { "dead" } dd { (number(sum(parts, &["dead_total"]))) } }
            div { dt { "mean run" } dd { (mean.unwrap_or_else(|| NOTHING.into())) } }
        }
        div.charts {
            @for (class, label, names) in CHARTS {
                figure { figcaption { (label) } (bars(class, label, length, parts, names)) }
            }
        }
    }
}

/// A bar for each period, with what it says when one points at it.
fn bars(class: &str, label: &str, length: i64, parts: &[Part], names: &[&str]) -> Markup {
    let counts: Vec<(i64, i64)> = parts
        .iter()
        .map(|part| (part.0, sum(std::slice::from_ref(part), names)))
        .collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let width = parts.len() * 10;
    let said = format!(
        "{label}: at most {most} in {}",
        if length == DAY { "a day" } else { "an hour" }
    );
    html! {
        svg.bars.(class) viewBox=(format!("0 0 {width} 100")) preserveAspectRatio="none" role="img" aria-label=(said) {
            @for (at, (start, count)) in counts.iter().enumerate() {
                @if *count > 0 {
                    @let height = (count * 100 / most).max(2);
                    rect x=(at * 10) y=(100 - height) width="8" height=(height) {
                        title { (text::moment(*start).unwrap_or_default()) ": " (number(*count)) }
                    }
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
        let shown = shown("x", HOUR, &parts).into_string();
        assert_eq!(shown.matches("<rect").count(), 1);
    }
}
