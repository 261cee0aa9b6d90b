//! What sorts of work there are, and how each goes.

use std::collections::BTreeMap;

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::history;
use super::html::{NOTHING, count, field, link, nothing, percent, plain, to_queue, wide};
use super::page::Page;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;

/// Kinds of a page.
const ROWS: usize = 1_000;

/// A kind of one queue.
#[derive(Default)]
struct Kind {
    /// Since the module was loaded.
    totals: Record,
    /// The hours of its history.
    hours: Vec<Record>,
}

/// All kinds, by queue and name.
type Kinds = BTreeMap<(String, String), Kind>;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let ask = |name: &str| ["TASK.STATS", "TASK.HISTORY"].map(|command| cmd(command).arg(name).arg("KINDS").to_owned());
    let answers = match visit.query.get("name") {
        Some(name) => vec![(name.to_string(), visit.user().call_all(name, &ask(name))?)],
        None => visit.user().about_all("TASK.QUEUES", |name| ask(name).to_vec())?,
    };
    let put: [fn(&mut Kind, Record); 2] = [|kind, totals| kind.totals = totals, |kind, hour| kind.hours.push(hour)];
    let mut kinds = Kinds::new();
    for (queue, replies) in answers {
        for (reply, put) in replies.iter().zip(put) {
            // Who may run one of the commands only sees what that one tells.
            for record in reply.as_ref().map(Record::all_of).unwrap_or_default() {
                let name = record.text("kind").unwrap_or_default();
                let kind = kinds.entry((queue.clone(), name)).or_default();
                put(kind, record.without(&["kind"]));
            }
        }
    }
    let body = html! {
        h1 { "Kinds" }
        p.hint {
            "Since the module was loaded: how often tasks of each kind were claimed, and how their runs ended. "
            "The last 48 hours come from the history of the queue: a click shows more of it."
        }
        section #kinds data-live {
            @if kinds.is_empty() { (nothing("No task has a kind.")) } @else { (table(visit, &kinds)) }
            @if kinds.len() > ROWS { p.hint { "These are the first " (ROWS) "." } }
        }
    };
    Ok(Page {
        title: "Kinds".into(),
        body,
        json: json!({ "kinds": kinds.iter().map(as_json).collect::<Json>() }),
    })
}

fn as_json(((queue, name), kind): (&(String, String), &Kind)) -> Json {
    let record = kind.totals.clone().under("kind", &name[..]).under("queue", &queue[..]);
    let mut json = record.json();
    if let Json::Object(fields) = &mut json {
        fields.insert("hours".into(), kind.hours.iter().map(Record::json).collect());
    }
    json
}

fn table(visit: &Visit, kinds: &Kinds) -> Markup {
    wide(
        "Kinds",
        &html! {
            th { "queue" } th { "kind" } th.n { "claimed" } th.n { "done" } th.n { "failed" } th.n { "failure rate" } th.n { "dead" }
            th.n { "running" } th.n { "run p50" } th.n { "run p99" } th { "failure rate, 48h" } th { "mean run, 48h" }
        },
        &html! { @for (names, kind) in kinds.iter().take(ROWS) { (row(visit, names, kind)) } },
    )
}

fn row(visit: &Visit, (queue, name): &(String, String), kind: &Kind) -> Markup {
    let totals = &kind.totals;
    let shown = if name.is_empty() { NOTHING } else { name };
    html! {
        tr {
            td { (to_queue(visit, queue)) }
            th scope="row" { (link(visit, "/queue", &[("name", queue), ("kind", name)], &plain(shown))) }
            @for name in ["claimed_total", "acked_total", "failed_total"] { (count(totals, name, |_| false)) }
            td.n { (failure_rate(totals)) }
            (count(totals, "dead_total", |dead| dead > 0))
            (count(totals, "claimed_tasks", |_| false))
            td.n { (field(totals, "run_p50_ms")) }
            td.n { (field(totals, "run_p99_ms")) }
            @for line in history::of_kind(&kind.hours) {
                td { a href=(visit.address("/history", &[("name", queue), ("kind", name)])) { (line) } }
            }
        }
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
