//! One task: what it is, what happened to it, and what it waits for.

use maud::{Markup, html};
use redis::cmd;
use serde_json::json;

use super::html::{cut, field, hidden, link, moment, plain, to_queue, to_task};
use super::listing::{heading, state};
use super::page::Page;
use super::payload;
use super::queue::task_actions;
use super::rights::Right;
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::output::text::brief;

/// Blocked tasks among which those are looked for that wait for this one.
const LOOKED_AT: usize = 1_000;
/// Payloads that can be changed in a form.
const EDITED: usize = 64 << 10;
const PROPERTIES: [&str; 14] = [
    "kind",
    "priority",
    "attempt",
    "max_attempts",
    "backoff",
    "deliveries",
    "losses",
    "worker",
    "lease_ms",
    "remaining_ms",
    "unique",
    "to",
    "origin",
    "run_ms",
];

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let (queue, id) = (visit.query.need("queue")?, visit.query.need("id")?);
    let reply = visit.user().call(queue, cmd("TASK.GET").arg(queue).arg(id))?;
    if reply.is_null() {
        return Err(Trouble::Missing(format!(
            "There is no task {id} in {queue}: it is done, or never was."
        )));
    }
    let task = visit.task(&reply);
    let word = task.text("state").unwrap_or_default();
    let neighbours = if task.get("group").is_some() || task.number("dependents").is_some_and(|count| count > 0) {
        blocked(visit, queue)?
    } else {
        Vec::new()
    };
    let waiting = ids(&neighbours, |other| waits_for(other).iter().any(|known| known == id));
    let group = task.text("group");
    let line = ids(&neighbours, |other| group.is_some() && other.text("group") == group);
    let json = json!({ "queue": queue, "task": task.json(), "dependents": waiting });
    let body = html! {
        div.row.head {
            h1 { (to_queue(visit, queue)) " / " (cut(&plain(id), 80)) }
            span #state data-live { (state(&word)) @if task.number("cancelled") == Some(1) { span.badge.warn { "cancelled" } } }
            span.end.row #actions data-live { (task_actions(visit, queue, id, &word)) }
        }
        section #ended data-live {
            @if let Some(error) = task.text("error") { pre.card.bad tabindex="0" aria-label="Error" { (payload::lines(error.as_bytes())) } }
            @if let Some(value) = task.text("progress") { (progress(&value)) }
        }
        div.columns {
            section #facts data-live { (timeline(&task)) }
            section #properties data-live {
                h2 { "Properties" }
                dl.pairs {
                    @for name in PROPERTIES {
                        @if task.get(name).is_some() { dt { (heading(name)) } dd { (field(&task, name)) } }
                    }
                }
            }
            section #relations data-live { (relations(visit, queue, &task, &waiting, &line)) }
        }
        @if let Some(bytes) = task.get("result").and_then(Reply::bytes) { (payload::shown(visit, "Result", "result", bytes)) }
        @if let Some(bytes) = task.get("payload").and_then(Reply::bytes) {
            (payload::shown(visit, "Payload", "payload", bytes))
            (edit(visit, queue, id, &word, bytes))
        }
        @if visit.site.args.no_payloads { p.hint { "Payloads are not shown here (--no-payloads)." } }
    };
    Ok(Page {
        title: format!("{id} of {queue}"),
        body,
        json,
    })
}

/// The first blocked tasks, if this user may list them.
fn blocked(visit: &Visit, queue: &str) -> Result<Vec<Record>, Trouble> {
    let mut list = cmd("TASK.LIST");
    list.arg(queue).arg("blocked").arg("COUNT").arg(LOOKED_AT);
    let page = if_allowed(visit.user().call(queue, &list))?;
    Ok(page
        .and_then(Reply::into_page)
        .map(|(_, page)| Record::all_of(&page))
        .unwrap_or_default())
}

fn ids(tasks: &[Record], is_one: impl Fn(&Record) -> bool) -> Vec<String> {
    let found = tasks.iter().filter(|task| is_one(task));
    found.filter_map(|task| task.text("id")).collect()
}

fn waits_for(task: &Record) -> Vec<String> {
    task.get("after")
        .map(Reply::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Reply::text)
        .collect()
}

/// How far it says that it is: a bar when that is a percentage.
fn progress(value: &str) -> Markup {
    let percent = value.trim().trim_end_matches('%').parse::<f64>().ok();
    html! {
        p.row {
            @if let Some(percent) = percent.filter(|percent| (0.0..=100.0).contains(percent)) {
                progress max="100" value=(percent) aria-label="Progress" {}
            }
            span { "Progress: " (cut(&plain(value), 300)) }
        }
    }
}

/// What happened, and will, in this order.
fn timeline(task: &Record) -> Markup {
    let moments = [
        ("created", "created_at"),
        ("due", "due_at"),
        ("claimed", "claimed_at"),
        ("ended", "finished_at"),
        ("expires", "expires_at"),
        ("kept until", "kept_until"),
    ];
    let mut known: Vec<(&str, i64)> = moments
        .iter()
        .filter_map(|(label, name)| Some((*label, task.number(name)?)))
        .collect();
    known.sort_by_key(|(_, at)| *at);
    let before = |at: usize| at.checked_sub(1).and_then(|at| known.get(at));
    html! {
        h2 { "Timeline" }
        ol.timeline {
            @for (at, (label, when)) in known.iter().enumerate() {
                li {
                    span.what { (label) } " " (moment(*when))
                    @if let Some((_, last)) = before(at) { span.hint { " +" (brief(when - last)) } }
                }
            }
        }
    }
}

fn relations(visit: &Visit, queue: &str, task: &Record, waiting: &[String], line: &[String]) -> Markup {
    let parents = waits_for(task);
    let list = |label: &str, ids: &[String]| {
        html! {
            @if !ids.is_empty() {
                h3 { (label) }
                ul { @for id in ids { li { (to_task(visit, queue, id)) } } }
            }
        }
    };
    let count = task.number("dependents").unwrap_or(0);
    html! {
        @if !parents.is_empty() || count > 0 || task.get("group").is_some() { h2 { "Others" } }
        (list("Waits for", &parents))
        (list("Wait for it", waiting))
        @if usize::try_from(count).unwrap_or(0) > waiting.len() { p.hint { (count) " tasks wait for it." } }
        @if let Some(group) = task.text("group") {
            h3 { "Group " (plain(&group)) }
            @if line.is_empty() { p.hint { "Nobody else waits in its line." } }
            ul { @for id in line { li { (to_task(visit, queue, id)) } } }
        }
        @if let Some(worker) = task.text("worker") {
            h3 { "Worker" }
            p { (link(visit, "/queue", &[("name", queue), ("state", "claimed"), ("worker", &worker)], &worker)) }
        }
    }
}

/// The payload in a form, while the task waits, when it is text.
fn edit(visit: &Visit, queue: &str, id: &str, word: &str, bytes: &[u8]) -> Markup {
    let waits = matches!(word, "scheduled" | "ready" | "blocked");
    // A field of a form is one line of letters.
    let text = str::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() <= EDITED && !text.contains(char::is_control));
    html! {
        @if let Some(text) = text.filter(|_| waits && visit.may(queue, Right::Edit)) {
            details.confirm {
                summary { "Change the payload" }
                form.card method="post" action=(visit.address("/change", &[])) {
                    (hidden(visit, &[("change", "edit"), ("queue", queue), ("id", id)]))
                    input.long name="payload" value=(text) aria-label="Payload";
                    button { "Change" }
                }
            }
        }
    }
}
