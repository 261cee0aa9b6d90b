//! One service: its leader, the candidates, the members and what they hold, and who led before.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::events::{self, Stream};
use super::html::{NOTHING, button, confirmed, field, link, nothing, plain, wide};
use super::leads;
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
    // Both are by name, with the same cursors.
    let [members, workers] = ["PID.LIST", "TASK.WORKERS"].map(|list| {
        let mut page = cmd(list);
        page.arg(service).arg("COUNT").arg(ROWS);
        if let Some(cursor) = visit.query.get("cursor") {
            page.arg("CURSOR").arg(cursor);
        }
        page
    });
    let asked = [members, cmd("HB.LEADER").arg(service).to_owned(), workers];
    let mut answers = visit.user().call_all(service, &asked)?.into_iter();
    let page = answers.next().transpose()?.and_then(Reply::into_page);
    let mut answer = || answers.next().map(if_allowed).transpose().map(Option::flatten);
    let leader = answer()?
        .filter(|reply| !reply.is_null())
        .map(|reply| Record::of(&reply));
    let workers = answer()?.and_then(Reply::into_page);
    let workers = workers.map(|(_, page)| Record::all_of(&page)).unwrap_or_default();
    let (next, members) = page.map(|(next, page)| (next, Record::all_of(&page))).unzip();
    let members = members.unwrap_or_default();
    let next = next.filter(|cursor| cursor != "0");
    let mut line: Vec<&Record> = members
        .iter()
        .filter(|member| member.get("position").is_some())
        .collect();
    line.sort_by_key(|member| member.number("position"));
    let happened = events::read(visit, &Stream::Service(service.into()), EVENTS)?;
    let led = leads::of(&happened);
    let all = |records: &[Record]| records.iter().map(Record::json).collect::<Json>();
    let json = json!({
        "service": service, "leader": leader.as_ref().map(Record::json), "members": all(&members),
        "candidates": line.iter().filter_map(|member| member.text("member")).collect::<Vec<_>>(),
        "leaders": all(&led), "next": next,
    });
    let body = html! {
        div.row.head {
            h1 { (plain(service)) }
            span.end.row {
                (link(visit, "/events", &[("service", service)], "Events"))
                (signals(visit, service, "*", "Signal all members"))
            }
        }
        div.columns {
            section #leader data-live { (leading(leader.as_ref())) }
            section #candidates data-live { (candidates(&line, next.is_none() && visit.query.get("cursor").is_none())) }
            section #led data-live { (leads::shown(&led)) }
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

/// The line of those that would take over, as far as they are on this page.
fn candidates(line: &[&Record], is_whole: bool) -> Markup {
    html! {
        h2 { "Candidates" }
        @if line.is_empty() { (nothing("No member is a candidate.")) }
        ol {
            @for member in line {
                li value=[member.number("position")] {
                    (field(member, "member"))
                    @if member.get("host").is_some() { span.hint { " " (field(member, "host")) } }
                }
            }
        }
        @if !is_whole { p.hint { "Those among the members below." } }
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
                    td.n { @if member.number("ttl_ms") == Some(0) { span.none { "none" } } @else { (field(member, "ttl_ms")) } }
                    td { (field(member, "signal")) }
                    td { (field(member, "status")) }
                    @for column in ["claimed_tasks", "oldest_claim_ms"] {
                        td.n { @if let Some(held) = held { (field(held, column)) } @else { span.none { (NOTHING) } } }
                    }
                    td { div.row {
                        (signals(visit, service, &name, "Signal"))
                        @if visit.may(service, Right::Evict) {
                            (confirmed(visit, "Evict", "It is no longer a member, and others may claim its tasks at once.", "/change",
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
