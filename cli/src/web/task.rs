//! One task: what it is, what happened to it, and what it waits for.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::actions::task_actions;
use super::events::{self, Stream};
use super::html::{cut, field, hidden, link, moment, plain, to_queue};
use super::listing::{heading, state};
use super::page::Page;
use super::payload;
use super::relations::Relations;
use super::rights::Right;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::output::text::brief;

/// Events of the queue among which those of the task are looked for.
const EVENTS: usize = 200;
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
    let relations = Relations::of(visit, queue, id, &task)?;
    let mut happened = events::read(visit, &Stream::Queue(queue.into()), EVENTS)?;
    happened.retain(|event| event.text("id").as_deref() == Some(id));
    let events: Json = happened.iter().map(Record::json).collect();
    let json = json!({ "queue": queue, "task": task.json(), "relations": relations.json(), "events": events });
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
            section #facts data-live { (timeline(&task)) (story(&happened)) }
            section #properties data-live {
                h2 { "Properties" }
                dl.pairs {
                    @for name in PROPERTIES {
                        @if let Some(value) = task.text(name).filter(|_| name == "worker") {
                            dt { "worker" } dd { (link(visit, "/queue", &[("name", queue), ("state", "claimed"), ("worker", &value)], &value)) }
                        } @else if task.get(name).is_some() {
                            dt { (heading(name)) } dd { (field(&task, name)) }
                        }
                    }
                }
            }
            section #relations data-live { (relations.shown(visit, queue, id)) }
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

/// What the events of the queue tell about it, the last one first.
fn story(events: &[Record]) -> Markup {
    html! {
        @if !events.is_empty() {
            h3 { "Events" }
            ol.timeline {
                @for event in events {
                    @let reason = event.text("reason").filter(|reason| !reason.is_empty());
                    li {
                        span.what { (field(event, "type")) } " "
                        @if let Some(at) = event.number("at") { (moment(at)) }
                        @if event.text("worker").is_some_and(|worker| !worker.is_empty()) { span.hint { " " (field(event, "worker")) } }
                        @if let Some(reason) = reason { span.hint { ": " (cut(&plain(&reason), 200)) } }
                    }
                }
            }
        }
    }
}

/// The payload in a form, while the task waits, when it is text.
fn edit(visit: &Visit, queue: &str, id: &str, word: &str, bytes: &[u8]) -> Markup {
    let waits = matches!(word, "scheduled" | "ready" | "blocked");
    let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= EDITED);
    let editable = text.and_then(|text| Some((text, line_ends(text)?)));
    html! {
        @if let Some((text, ends)) = editable.filter(|_| waits && visit.may(queue, Right::Edit)) {
            details.edit {
                summary { "Change the payload" }
                form.card method="post" action=(visit.address("/change", &[])) {
                    (hidden(visit, &[("change", "edit"), ("queue", queue), ("id", id), ("ends", ends)]))
                    // The first end of a line in it is none of the text.
                    textarea name="payload" rows=(text.lines().count().clamp(2, 20)) spellcheck="false" aria-label="Payload" { "\n" (text) }
                    button { "Change" }
                }
            }
        }
    }
}

/// How its lines end, if a form gives it back as it is: browsers make all ends alike, and lose other commands.
fn line_ends(text: &str) -> Option<&'static str> {
    let has_commands = |text: &str| text.contains(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\t'));
    let bare = text.replace("\r\n", "");
    match (text.contains("\r\n"), bare.contains('\n')) {
        _ if has_commands(&bare) => None,
        (true, true) => None,
        (true, false) => Some("crlf"),
        (false, _) => Some("lf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_form_gives_back_as_it_is_can_be_edited() {
        for (text, ends) in [
            ("", Some("lf")),
            ("one\tline", Some("lf")),
            ("two\nlines\n", Some("lf")),
            ("two\r\nlines", Some("crlf")),
            ("a\r\nb\nc", None),
            ("a\rb", None),
            ("a\x1bb", None),
        ] {
            assert_eq!(line_ends(text), ends, "{text:?}");
        }
    }
}
