//! All queues at a glance.

use std::cmp::Reverse;

use maud::{Markup, html};
use serde_json::json;

use super::charts::trend;
use super::findings::{Told, marks};
use super::html::{NOTHING, count, field, number, rate, to_queue, wide};
use super::page::Page;
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::CallError;
use crate::output::record::Record;
use crate::watch::{LATE, Rate, Seen, has_no_worker};

/// Queues of a page, unless all are asked for.
const ROWS: usize = 100;
const TOTALS: [&str; 6] = [
    "ready_tasks",
    "claimed_tasks",
    "scheduled_tasks",
    "blocked_tasks",
    "done_tasks",
    "dead_tasks",
];
/// Columns by which the table can be sorted, largest first.
const SORTED: [(&str, &str); 6] = [
    ("ready", "ready_tasks"),
    ("claimed", "claimed_tasks"),
    ("scheduled", "scheduled_tasks"),
    ("blocked", "blocked_tasks"),
    ("dead", "dead_tasks"),
    ("oldest ready", "oldest_ready_ms"),
];

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let snapshot = match visit.queues() {
        Err(Trouble::Call(error)) => if_allowed(Err::<_, CallError>(error))?,
        snapshot => Some(snapshot?),
    };
    let Some(snapshot) = snapshot else {
        return Ok(blind(visit));
    };
    let wanted = visit.query.get("q").unwrap_or_default().to_lowercase();
    let named = |seen: &&Seen| seen.name.to_lowercase().contains(&wanted);
    let mut queues: Vec<&Seen> = snapshot.queues.iter().filter(named).collect();
    let by = SORTED.iter().find(|(label, _)| visit.query.get("sort") == Some(label));
    if let Some((_, name)) = by {
        queues.sort_by_key(|seen| Reverse(seen.stats.number(name)));
    }
    let told = Told::of(visit);
    let most = if visit.query.get("all").is_some() {
        usize::MAX
    } else {
        ROWS
    };
    let rows = queues
        .iter()
        .map(|seen| seen.stats.clone().under("queue", &seen.name[..]).json());
    let json = json!({ "queues": rows.collect::<Vec<_>>(), "findings": told.json() });
    let body = html! {
        h1 { "Overview" }
        (told.shown(visit))
        (totals(&queues))
        form.row.filter method="get" role="search" {
            input type="search" name="q" value=(visit.query.get("q").unwrap_or_default()) placeholder="name of a queue" aria-label="Part of the name of a queue";
            button { "Filter" }
        }
        section #queues data-live {
            @if queues.is_empty() {
                p.nothing { "No queues. A queue is there as soon as a task is put in it: " code { "TASK.SCHEDULE mail hello" } }
            } @else {
                (table(visit, queues.get(..most).unwrap_or(&queues), &told))
            }
            @if queues.len() > most {
                p.row { "These are " (most) " of " (number(i64::try_from(queues.len()).unwrap_or(0))) " queues. "
                    a href=(visit.site.address("/", &visit.query.with(&[("all", "1")]))) { "Show all" } }
            }
        }
    };
    Ok(Page {
        title: "Overview".into(),
        body,
        json,
    })
}

/// For a user that may not list queues, but perhaps read one.
fn blind(visit: &Visit) -> Page {
    Page {
        title: "Overview".into(),
        body: html! {
            h1 { "Overview" }
            form.card method="get" action=(visit.address("/task", &[])) {
                p { "This user may not list queues. A task that it may read is found by its queue and id." }
                div.row {
                    input name="queue" placeholder="queue" aria-label="Queue" required;
                    input name="id" placeholder="id" aria-label="Id" required;
                    button { "Show" }
                }
            }
            form.card method="get" action=(visit.address("/new", &[])) {
                p { "If it may put tasks in a queue:" }
                div.row {
                    input name="name" placeholder="queue" aria-label="Queue of the new task" required;
                    button { "New task" }
                }
            }
        },
        json: json!({ "queues": [] }),
    }
}

fn totals(queues: &[&Seen]) -> Markup {
    let sum = |name: &str| queues.iter().filter_map(|seen| seen.stats.number(name)).sum::<i64>();
    let each = |name: fn(&Rate) -> f64| {
        queues
            .iter()
            .filter_map(|seen| seen.rates.last().map(name))
            .sum::<f64>()
    };
    html! {
        dl.totals #totals data-live {
            div { dt { "queues" } dd { (number(i64::try_from(queues.len()).unwrap_or(0))) } }
            @for name in TOTALS {
                @let sum = sum(name);
                div.bad[name == "dead_tasks" && sum > 0] { dt { (super::listing::heading(name)) } dd { (number(sum)) } }
            }
            div { dt { "in per s" } dd { (rate(each(|rate| rate.scheduled))) } }
            div { dt { "out per s" } dd { (rate(each(|rate| rate.acked))) } }
        }
    }
}

fn table(visit: &Visit, queues: &[&Seen], told: &Told) -> Markup {
    let sorted = visit.query.get("sort");
    let found = told.by_queue();
    wide(
        "Queues",
        &html! {
            th aria-sort=[sorted.is_none().then_some("ascending")] {
                a href=(visit.site.address("/", &visit.query.with(&[("sort", "")]))) { "queue" }
            }
            @for (label, _) in SORTED {
                th.n aria-sort=[(sorted == Some(label)).then_some("descending")] {
                    a href=(visit.site.address("/", &visit.query.with(&[("sort", label)]))) { (label) }
                }
            }
            th.n title="How late tasks became ready: half of them, and one of a hundred" { "late p50" } th.n { "p99" }
            th.n title="How long tasks ran: half of them, and one of a hundred" { "run p50" } th.n { "p99" }
            th.n { "in/s" } th.n { "out/s" } th.n { "trend" }
        },
        &html! {
            @for seen in queues { (row(visit, seen, found.get(&seen.name).map_or(&[], Vec::as_slice))) }
        },
    )
}

fn row(visit: &Visit, seen: &Seen, found: &[&Record]) -> Markup {
    let stats = &seen.stats;
    let last = seen.rates.last();
    let never = |_| false;
    html! {
        tr {
            th scope="row" { (to_queue(visit, &seen.name)) " " (badges(stats)) " " (marks(visit, found)) }
            @for name in ["ready_tasks", "claimed_tasks", "scheduled_tasks", "blocked_tasks"] { (count(stats, name, never)) }
            (count(stats, "dead_tasks", |dead| dead > 0))
            (count(stats, "oldest_ready_ms", |waits| waits > LATE))
            @for name in ["late_p50_ms", "late_p99_ms", "run_p50_ms", "run_p99_ms"] { td.n { (field(stats, name)) } }
            @for value in [last.map(|last| last.scheduled), last.map(|last| last.acked)] {
                td.n { @if let Some(value) = value { (rate(value)) } @else { span.none { (NOTHING) } } }
            }
            td.n { (trend(&seen.rates)) }
        }
    }
}

/// What keeps a queue from going on.
pub(super) fn badges(stats: &Record) -> Markup {
    html! {
        @if stats.get("paused_until").is_some() { span.badge.warn { "paused" } " " }
        @if has_no_worker(stats) {
            span.badge.warn title="Tasks are ready, none is claimed, and no client waits for one" { "no worker" }
        }
    }
}
