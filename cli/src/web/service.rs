//! One service: its leader, the candidates, the members and what they hold, and who led before.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::events::{self, Stream};
use super::html::{NOTHING, button, confirmed, field, link, moment, nothing, plain, wide};
use super::listing::state;
use super::page::Page;
use super::rights::Right;
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;

/// Members of a page, and events among which former leaders are looked for.
const ROWS: usize = 200;
const EVENTS: usize = 500;
const SIGNALS: [(&str, &str, &str); 3] = [
    ("quiet", "Quiet", "It gets no more tasks; what it has goes on."),
    ("stop", "Stop", "It gets no more tasks, and is told to end."),
    ("none", "Clear signal", "It gets tasks again."),
];

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let service = visit.query.need("name")?;
    let mut list = cmd("PID.LIST");
    list.arg(service).arg("COUNT").arg(ROWS);
    if let Some(cursor) = visit.query.get("cursor") {
        list.arg("CURSOR").arg(cursor);
    }
    let asked = [
        list,
        cmd("HB.LEADER").arg(service).to_owned(),
        cmd("TASK.WORKERS").arg(service).to_owned(),
    ];
    let mut answers = visit.user().call_all(service, &asked)?.into_iter();
    let page = answers.next().transpose()?.and_then(Reply::into_page);
    let mut answer = || answers.next().map(if_allowed).transpose().map(Option::flatten);
    let leader = answer()?
        .filter(|reply| !reply.is_null())
        .map(|reply| Record::of(&reply));
    let workers = answer()?.map(|reply| Record::all_of(&reply)).unwrap_or_default();
    let (next, members) = page.map(|(next, page)| (next, Record::all_of(&page))).unzip();
    let members = members.unwrap_or_default();
    let next = next.filter(|cursor| cursor != "0");
    let before = events::read(visit, &Stream::Service(service.into()), EVENTS)?;
    let led: Vec<Record> = before.into_iter().filter(is_about_leaders).take(20).collect();
    let all = |records: &[Record]| records.iter().map(Record::json).collect::<Json>();
    let json = json!({
        "service": service, "leader": leader.as_ref().map(Record::json), "members": all(&members),
        "leaders": all(&led), "next": next,
    });
    let body = html! {
        div.row.head {
            h1 { (plain(service)) }
            span.end.row {
                (link(visit, "/events", &[("service", service)], "Events"))
                (signals(visit, service, "*", "All members"))
            }
        }
        div.columns {
            section #leader data-live { (leading(leader.as_ref())) }
            section #candidates data-live { (candidates(&members)) }
            section #led data-live { (story(&led)) }
        }
        section #members data-live {
            h2 { "Members" }
            @if members.is_empty() { (nothing("No members.")) } @else { (table(visit, service, &members, &workers)) }
        }
        @if let Some(cursor) = next {
            p.row { a rel="next" href=(visit.site.address("/service", &visit.query.with(&[("cursor", &cursor)]))) { "Next page" } }
        }
    };
    Ok(Page {
        title: service.into(),
        body,
        json,
    })
}

fn is_about_leaders(event: &Record) -> bool {
    matches!(event.text("type").as_deref(), Some("leader" | "resigned"))
}

fn leading(leader: Option<&Record>) -> Markup {
    html! {
        h2 { "Leader" }
        @if let Some(leader) = leader {
            p.big { (field(leader, "member")) }
            dl.pairs {
                @for (label, name) in [("since", "since_at"), ("pid", "pid"), ("host", "host"), ("epoch", "epoch")] {
                    dt { (label) } dd { (field(leader, name)) }
                }
            }
        } @else { (nothing("Nobody leads.")) }
    }
}

fn candidates(members: &[Record]) -> Markup {
    let role = |member: &&Record| member.text("role").as_deref() == Some("candidate");
    let candidates: Vec<&Record> = members.iter().filter(role).collect();
    html! {
        h2 { "Candidates" }
        @if candidates.is_empty() { (nothing("Nobody would take over.")) }
        ul { @for member in candidates { li { (field(member, "member")) } } }
    }
}

/// Who led, the last one first.
fn story(events: &[Record]) -> Markup {
    html! {
        h2 { "Leaders before" }
        @if events.is_empty() { (nothing("No events tell.")) }
        ol.timeline {
            @for event in events {
                li {
                    span.what { (field(event, "member")) }
                    @if event.text("type").as_deref() == Some("resigned") { " stepped down " } @else { " began to lead " }
                    @if let Some(at) = event.number("at") { (moment(at)) }
                    @if event.text("reason").is_some_and(|reason| !reason.is_empty()) { span.hint { " " (field(event, "reason")) } }
                }
            }
        }
    }
}

fn table(visit: &Visit, service: &str, members: &[Record], workers: &[Record]) -> Markup {
    wide(
        "Members",
        &html! {
            th { "member" } th { "state" } th { "role" } th { "pid" } th { "host" } th.n { "last sign" } th.n { "ttl" }
            th { "signal" } th { "status" } th.n { "claimed" } th.n { "oldest claim" } th { span.unseen { "actions" } }
        },
        &html! {
            @for member in members {
                @let name = member.text("member").unwrap_or_default();
                @let held = workers.iter().find(|worker| worker.text("worker").as_deref() == Some(&name));
                tr {
                    th scope="row" { (plain(&name)) }
                    td { (state(&member.text("state").unwrap_or_default())) }
                    td { (field(member, "role")) }
                    td { (field(member, "pid")) }
                    td { (field(member, "host")) }
                    td.n { (field(member, "idle_ms")) }
                    td.n { (field(member, "ttl_ms")) }
                    td { (field(member, "signal")) }
                    td { (field(member, "status")) }
                    @for column in ["claimed_tasks", "oldest_claim_ms"] {
                        td.n { @if let Some(held) = held { (field(held, column)) } @else { span.none { (NOTHING) } } }
                    }
                    td { div.row {
                        (signals(visit, service, &name, "Signal"))
                        @if visit.may(service, Right::Evict) {
                            (confirmed(visit, "Evict", "It is no member any more, and what it holds goes to others at once.", "/change",
                                &[("change", "evict"), ("service", service), ("member", &name)]))
                        }
                    } }
                }
            }
        },
    )
}

fn signals(visit: &Visit, service: &str, member: &str, label: &str) -> Markup {
    html! {
        @if visit.may(service, Right::Signal) {
            details.confirm {
                summary { (label) }
                div.card {
                    @for (word, label, meaning) in SIGNALS {
                        div.row { (button(visit, label, &[("change", "signal"), ("service", service), ("member", member), ("signal", word)])) span.hint { (meaning) } }
                    }
                }
            }
        }
    }
}
