//! What sorts of work there are, and how each goes.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{NOTHING, count, field, line, link, nothing, percent, plain, to_queue, wide};
use super::page::Page;
use super::sessions::locked;
use super::trends::Trend;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;

/// Kinds of a page.
const ROWS: usize = 1_000;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let ask = |name: &str| cmd("TASK.STATS").arg(name).arg("KINDS").to_owned();
    let answers = match visit.query.get("name") {
        Some(name) => vec![(name.to_string(), visit.user().call_all(name, &[ask(name)])?)],
        None => visit.user().about_all("TASK.QUEUES", |name| vec![ask(name)])?,
    };
    let mut kinds: Vec<Record> = Vec::new();
    for (queue, replies) in answers {
        for reply in replies.into_iter().flatten() {
            kinds.extend(
                Record::all_of(&reply)
                    .into_iter()
                    .map(|kind| kind.under("queue", &queue[..])),
            );
        }
    }
    let trends = locked(&visit.user().trends).add(kinds.get(..ROWS).unwrap_or(&kinds));
    let body = html! {
        h1 { "Kinds" }
        p.hint {
            "Since the module was loaded: how often tasks of each kind were claimed, and how their runs ended. "
            "The lines begin when somebody opens this page: the server keeps a history of each queue, but not of each kind."
        }
        section #kinds data-live {
            @if kinds.is_empty() { (nothing("No task has a kind.")) } @else { (table(visit, &kinds, &trends)) }
            @if kinds.len() > ROWS { p.hint { "These are the first " (ROWS) "." } }
        }
    };
    Ok(Page {
        title: "Kinds".into(),
        body,
        json: json!({ "kinds": kinds.iter().map(Record::json).collect::<Json>() }),
    })
}

fn table(visit: &Visit, kinds: &[Record], trends: &[Trend]) -> Markup {
    wide(
        "Kinds",
        &html! {
            th { "queue" } th { "kind" } th.n { "claimed" } th.n { "done" } th.n { "failed" } th.n { "failure rate" } th { "lately" }
            th.n { "dead" } th.n { "running" } th.n { "run p50" } th.n { "run p99" } th { "mean, lately" }
        },
        &html! { @for (kind, trend) in kinds.iter().zip(trends) { (row(visit, kind, trend)) } },
    )
}

fn row(visit: &Visit, kind: &Record, trend: &Trend) -> Markup {
    let queue = kind.text("queue").unwrap_or_default();
    let name = kind.text("kind").unwrap_or_default();
    let shown = if name.is_empty() { NOTHING } else { &name };
    html! {
        tr {
            td { (to_queue(visit, &queue)) }
            th scope="row" { (link(visit, "/queue", &[("name", &queue), ("kind", &name)], &plain(shown))) }
            @for name in ["claimed_total", "acked_total", "failed_total"] { (count(kind, name, |_| false)) }
            td.n { (failure_rate(kind)) }
            td { (drawn("failed", &trend.failures, "Failed of a hundred runs", |rate| format!("{rate:.1}\u{2009}%"))) }
            (count(kind, "dead_total", |dead| dead > 0))
            (count(kind, "claimed_tasks", |_| false))
            td.n { (field(kind, "run_p50_ms")) }
            td.n { (field(kind, "run_p99_ms")) }
            td { (drawn("out", &trend.runs, "How long a run took", |ms| format!("{ms:.0}ms"))) }
        }
    }
}

/// A line, and the value at its end.
fn drawn(class: &str, values: &[f64], label: &str, told: impl Fn(f64) -> String) -> Markup {
    html! {
        @if let Some(last) = values.last() {
            div.row.trend { (line(&format!("trend {class}"), values, label)) span { (told(*last)) } }
        } @else { span.none { (NOTHING) } }
    }
}

/// Failed runs of a hundred that ended.
fn failure_rate(kind: &Record) -> Markup {
    let number = |name| kind.number(name).unwrap_or(0);
    let (failed, ended) = (number("failed_total"), number("failed_total") + number("acked_total"));
    html! {
        @if ended > 0 {
            @let tenths = failed * 1_000 / ended;
            span.bad[tenths >= 50] { (percent(tenths)) }
        } @else { span.none { (NOTHING) } }
    }
}
