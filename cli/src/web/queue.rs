//! One queue: its numbers, what holds it up, and its tasks in one state.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::actions::{allowed, bulk, ticked};
use super::charts::charts;
use super::html::{button, field, hidden, link, moment, number, plain, wide};
use super::listing::{self, Filter, STATES, filter_box, next};
use super::new;
use super::overview::badges;
use super::page::Page;
use super::rights::Right;
use super::sessions::locked;
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;

/// Workers of a page.
const WORKERS: usize = 200;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let filter = Filter::of(&visit.query)?;
    let queue = visit.query.need("name")?;
    let asked = [
        cmd("TASK.STATS").arg(queue).to_owned(),
        cmd("TASK.EXPLAIN").arg(queue).to_owned(),
        cmd("TASK.WORKERS").arg(queue).arg("COUNT").arg(WORKERS).to_owned(),
    ];
    let mut answers = visit.user().call_all(queue, &asked)?.into_iter();
    let mut answer = || answers.next().map(if_allowed).transpose().map(Option::flatten);
    let stats = answer()?.map(|reply| Record::of(&reply)).unwrap_or_default();
    let causes = answer()?.map(|reply| Record::all_of(&reply)).unwrap_or_default();
    let page = answer()?.and_then(Reply::into_page);
    let page = page.map(|(next, page)| (next != "0", Record::all_of(&page)));
    let (more, workers) = page.unwrap_or_default();
    let (rates, line) = locked(&visit.user().watch).follow(queue, &stats);
    let listed = filter.read(visit)?;
    let allowed = allowed(visit, queue, &filter.state);
    let has_boxes = !allowed.is_empty();
    let count = stats.number(&format!("{}_tasks", filter.state)).unwrap_or(0);
    let all = |records: &[Record]| records.iter().map(Record::json).collect::<Json>();
    let json = json!({
        "queue": queue, "stats": stats.json(), "explain": all(&causes), "workers": all(&workers),
        "state": filter.state, "tasks": all(&listed.tasks), "next": listed.next,
    });
    let body = html! {
        div.row.head {
            h1 { (plain(queue)) }
            span #badges data-live { (badges(&stats)) }
            span.end.row { (links(visit, queue)) (actions(visit, queue, &stats)) }
        }
        section #explain data-live { (explained(&causes)) }
        (charts(rates.last(), &line))
        section #figures data-live { (figures(&stats)) }
        (tabs(visit, &filter, &stats))
        (filter_box(visit, &filter))
        section #tasks data-live { (listing::table(visit, &filter, &listed, has_boxes)) }
        @if has_boxes && !listed.tasks.is_empty() { (ticked(visit, &filter, &allowed)) }
        (next(visit, &listed))
        (bulk(visit, &filter, count, &allowed))
        section #workers data-live { (working(visit, queue, &workers, more)) }
    };
    Ok(Page {
        title: queue.into(),
        body,
        json,
    })
}

fn links(visit: &Visit, queue: &str) -> Markup {
    html! {
        (new::link(visit, queue))
        (link(visit, "/history", &[("name", queue)], "History"))
        (link(visit, "/settings", &[("name", queue)], "Settings"))
        (link(visit, "/events", &[("queue", queue)], "Events"))
        (link(visit, "/kinds", &[("name", queue)], "Kinds"))
    }
}

fn actions(visit: &Visit, queue: &str, stats: &Record) -> Markup {
    let is_paused = stats.get("paused_until").is_some();
    html! {
        @if visit.may(queue, Right::Pause) {
            @if is_paused {
                (button(visit, "Resume", &[("change", "resume"), ("queue", queue)]))
            } @else {
                details.confirm {
                    summary { "Pause" }
                    form.card method="post" action=(visit.address("/change", &[])) {
                        p { "No task is claimed until you resume it, or for this time. Running tasks go on." }
                        (hidden(visit, &[("change", "pause"), ("queue", queue)]))
                        div.row { input name="for" placeholder="15m, 2h: until resumed" aria-label="For how long"; button { "Pause" } }
                    }
                }
            }
        }
        @if visit.may(queue, Right::Drop) {
            details.confirm {
                summary { "Remove" }
                form.card method="post" action=(visit.address("/change", &[])) {
                    p { "Removes the queue with all its tasks and settings. Type its name to go on." }
                    (hidden(visit, &[("change", "drop"), ("queue", queue)]))
                    div.row { input name="sure" required autocomplete="off" aria-label="Name of the queue"; button.danger { "Remove the queue" } }
                }
            }
        }
    }
}

/// What keeps its tasks from being done, the most far-reaching first.
fn explained(causes: &[Record]) -> Markup {
    html! {
        @if !causes.is_empty() {
            ul.explain {
                @for cause in causes {
                    @let word = cause.text("cause").unwrap_or_default();
                    li.(word) {
                        span.cause { (plain(&word)) } " " (plain(&cause.text("text").unwrap_or_default()))
                        @if let Some(until) = cause.number("until_at") { ", ends " (moment(until)) }
                    }
                }
            }
        }
    }
}

fn figures(stats: &Record) -> Markup {
    const SHOWN: [(&str, &str); 9] = [
        ("oldest ready", "oldest_ready_ms"),
        ("late p50", "late_p50_ms"),
        ("late p99", "late_p99_ms"),
        ("run p50", "run_p50_ms"),
        ("run p99", "run_p99_ms"),
        ("waiting clients", "waiting_clients"),
        ("failed", "failed_total"),
        ("lost", "lost_total"),
        ("since", "since_at"),
    ];
    html! {
        dl.totals.small {
            @for (label, name) in SHOWN { div { dt { (label) } dd { (field(stats, name)) } } }
        }
    }
}

fn tabs(visit: &Visit, filter: &Filter, stats: &Record) -> Markup {
    html! {
        nav.tabs #tabs aria-label="States" data-live {
            @for state in STATES {
                @let count = stats.number(&format!("{state}_tasks"));
                @let query = visit.query.with(&[("state", state), ("cursor", "")]);
                a href=(visit.site.address("/queue", &query)) aria-current=[(state == filter.state).then_some("page")] {
                    (state) " "
                    @if let Some(count) = count {
                        span.count.bad[state == "dead" && count > 0] { (number(count)) }
                    }
                }
            }
        }
    }
}

fn working(visit: &Visit, queue: &str, workers: &[Record], more: bool) -> Markup {
    html! {
        @if !workers.is_empty() {
            h2 { "Workers" }
            (wide(
                "Workers",
                &html! { th { "worker" } th { "member" } th.n { "claimed" } th.n { "oldest claim" } },
                &html! {
                    @for worker in workers {
                        @let name = worker.text("worker").unwrap_or_default();
                        tr {
                            th scope="row" { (link(visit, "/queue", &[("name", queue), ("state", "claimed"), ("worker", &name)], &name)) }
                            td { (field(worker, "state")) }
                            td.n { (field(worker, "claimed_tasks")) }
                            td.n { (field(worker, "oldest_claim_ms")) }
                        }
                    }
                },
            ))
            @if more { p.hint { "These are the first " (WORKERS) " by name: " code { "steward workers" } " lists all." } }
        }
    }
}
