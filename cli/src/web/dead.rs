//! Dead tasks of all queues, those alike together.

use std::collections::BTreeMap;

use maud::{Markup, html};
use redis::cmd;
use serde_json::json;

use super::actions::allowed;
use super::html::{confirmed, cut, link, moment, nothing, number, plain, to_queue, to_task, wide};
use super::listing::{exact, first_line};
use super::page::Page;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;

/// The last dead tasks that are looked at, of a queue and of all.
const OF_ONE: usize = 1_000;
const OF_ALL: usize = 10_000;

/// Tasks of one kind that died of the same.
#[derive(Default)]
struct Group {
    count: i64,
    first_at: i64,
    last_at: i64,
    example: String,
}

/// Queue, kind, first line of the error.
type Groups = BTreeMap<(String, String, String), Group>;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let snapshot = visit.queues()?;
    let wanted = visit.query.get("queue");
    let (mut groups, mut looked_at, mut is_cut) = (Groups::new(), 0, false);
    for seen in snapshot
        .queues
        .iter()
        .filter(|seen| wanted.is_none_or(|wanted| seen.name == wanted))
    {
        let dead = seen.stats.number("dead_tasks").unwrap_or(0);
        if dead == 0 {
            continue;
        }
        if looked_at >= OF_ALL {
            is_cut = true;
            break;
        }
        is_cut |= dead > i64::try_from(OF_ONE).unwrap_or(0);
        looked_at += gather(visit, &seen.name, &mut groups)?;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    let row = |((queue, kind, error), group): &((String, String, String), Group)| {
        json!({
            "queue": queue, "kind": kind, "error": error, "dead_tasks": group.count,
            "first_at": group.first_at, "last_at": group.last_at, "example": group.example,
        })
    };
    let json = json!({ "groups": groups.iter().map(row).collect::<Vec<_>>(), "complete": !is_cut });
    let body = html! {
        h1 { "Dead" }
        p.hint { "Tasks that used up their attempts, or were buried. Those of one kind whose errors begin with the same line are together." }
        section #groups data-live {
            @if groups.is_empty() { (nothing("No dead tasks.")) } @else { (table(visit, &groups)) }
            @if is_cut { p.hint { "These are the last " (number(1_000)) " of each queue: there are more." } }
        }
    };
    Ok(Page {
        title: "Dead".into(),
        body,
        json,
    })
}

/// Adds the last dead tasks of a queue. How many that were.
fn gather(visit: &Visit, queue: &str, groups: &mut Groups) -> Result<usize, Trouble> {
    let mut list = cmd("TASK.LIST");
    list.arg(queue).arg("dead").arg("COUNT").arg(OF_ONE).arg("REV");
    let page = visit.user().call(queue, &list)?.into_page();
    let tasks = page.map(|(_, page)| Record::all_of(&page)).unwrap_or_default();
    for task in &tasks {
        let key = (queue.into(), task.text("kind").unwrap_or_default(), first_line(task));
        let at = task.number("finished_at").unwrap_or(0);
        let group = groups.entry(key).or_insert_with(|| Group {
            last_at: at,
            example: task.get("id").and_then(Reply::text).unwrap_or_default(),
            ..Group::default()
        });
        group.count += 1;
        group.first_at = at;
    }
    Ok(tasks.len())
}

fn table(visit: &Visit, groups: &[((String, String, String), Group)]) -> Markup {
    wide(
        "Dead tasks",
        &html! { th.n { "tasks" } th { "queue" } th { "kind" } th { "error" } th { "last" } th { "first" } th { "example" } th { span.unseen { "actions" } } },
        &html! {
            @for ((queue, kind, error), group) in groups {
                tr {
                    td.n.bad { (number(group.count)) }
                    th scope="row" { (to_queue(visit, queue)) }
                    td { (plain(kind)) }
                    td.error { (filtered(visit, queue, kind, error)) }
                    td { (moment(group.last_at)) }
                    td { (moment(group.first_at)) }
                    td { (to_task(visit, queue, &group.example)) }
                    td { div.row { (actions(visit, queue, kind, error, group.count)) } }
                }
            }
        },
    )
}

fn filtered(visit: &Visit, queue: &str, kind: &str, error: &str) -> Markup {
    let query = [
        ("name", queue),
        ("state", "dead"),
        ("kind", kind),
        ("q", &cut(error, 100).replace('…', "*")),
    ];
    let shown = if error.is_empty() { "no error" } else { error };
    link(visit, "/queue", &query, &cut(shown, 200))
}

fn actions(visit: &Visit, queue: &str, kind: &str, error: &str, count: i64) -> Markup {
    html! {
        @for (verb, label) in allowed(visit, queue, "dead") {
            @let fields = [
                ("change", verb), ("queue", queue), ("state", "dead"), ("kind", kind),
                ("exact_kind", &exact(kind)), ("exact_error", &exact(error)),
            ];
            (confirmed(visit, label, &format!("{label}: all dead tasks of this group, at least {}?", number(count)), "/bulk", &fields))
        }
    }
}
