//! The recurring tasks of all queues.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::events::{self, Stream};
use super::html::{NOTHING, button, confirmed, field, link, moment, nothing, now, plain, to_queue, wide};
use super::page::Page;
use super::rights::Right;
use super::rule::words;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::output::text;

/// Recurring tasks of a queue that are shown.
const ROWS: usize = 200;
/// Moments of each that are shown.
const NEXT: usize = 5;
/// Queues whose events are read, and of each how many, to find what was missed.
const QUEUES: usize = 50;
const EVENTS: usize = 500;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let ask = |name: &str| {
        let mut repeats = cmd("TASK.REPEATS");
        repeats.arg(name).arg("COUNT").arg(ROWS).arg("NEXT").arg(NEXT);
        repeats
    };
    let answers = match visit.query.get("queue") {
        Some(name) => vec![(name.to_string(), visit.user().call_all(name, &[ask(name)])?)],
        None => visit.user().about_all("TASK.QUEUES", |name| vec![ask(name)])?,
    };
    let mut repeats: Vec<Record> = Vec::new();
    for (queue, replies) in answers {
        for (_, page) in replies.into_iter().flatten().filter_map(Reply::into_page) {
            let found = page.items();
            repeats.extend(found.iter().map(|repeat| visit.task(repeat).under("queue", &queue[..])));
        }
    }
    repeats.sort_by_key(|repeat| repeat.number("next_at"));
    let mut left_out = LeftOut::default();
    let queues: BTreeSet<String> = repeats.iter().filter_map(|repeat| repeat.text("queue")).collect();
    for queue in queues.into_iter().take(QUEUES) {
        let happened = events::read(visit, &Stream::Queue(queue.clone()), EVENTS)?;
        left_out.add(&queue, &happened);
    }
    let repeats: Vec<Record> = repeats.into_iter().map(|repeat| left_out.told(repeat)).collect();
    let body = html! {
        h1 { "Cron" }
        section #repeats data-live {
            @if repeats.is_empty() { (nothing("No recurring tasks.")) } @else { (table(visit, &repeats)) }
        }
    };
    Ok(Page {
        title: "Cron".into(),
        body,
        json: json!({ "repeats": repeats.iter().map(Record::json).collect::<Json>() }),
    })
}

/// What was missed and skipped of each, by queue and name: how many, and when that was last.
#[derive(Default)]
struct LeftOut(HashMap<(String, String), (i64, i64, i64)>);

impl LeftOut {
    /// Takes up events, of which the last is the first.
    fn add(&mut self, queue: &str, events: &[Record]) {
        for event in events.iter().rev() {
            let id = event.text("id").unwrap_or_default();
            let reason = event.text("reason").unwrap_or_default();
            let (name, missed, skipped) = match event.text("type").as_deref() {
                // How many, or that it is more than so many.
                Some("missed") => (
                    &id[..],
                    reason
                        .rsplit(' ')
                        .next()
                        .and_then(|count| count.parse().ok())
                        .unwrap_or(1),
                    0,
                ),
                Some("skipped") => (id.rsplit_once(':').map_or(&id[..], |(name, _)| name), 0, 1),
                _ => continue,
            };
            let found = self.0.entry((queue.into(), name.into())).or_default();
            *found = (found.0 + missed, found.1 + skipped, event.number("at").unwrap_or(0));
        }
    }

    fn told(&self, repeat: Record) -> Record {
        let text = |name| repeat.text(name).unwrap_or_default();
        let found = self.0.get(&(text("queue"), text("name"))).copied();
        let (missed, skipped, at) = found.unwrap_or_default();
        let repeat = repeat.and("missed", missed).and("skipped", skipped);
        if found.is_some() {
            repeat.and("left_out_at", at)
        } else {
            repeat
        }
    }
}

fn table(visit: &Visit, repeats: &[Record]) -> Markup {
    wide(
        "Recurring tasks",
        &html! {
            th { "name" } th { "queue" } th { "rule" } th { "next" } th { "then" } th { "last" } th.n { "made" }
            th title="In the last events of the queue" { "left out" } th title="What becomes of those that were missed" { "misfire" }
            th { "overlap" } th { span.unseen { "actions" } }
        },
        &html! { @for repeat in repeats { (row(visit, repeat)) } },
    )
}

fn row(visit: &Visit, repeat: &Record) -> Markup {
    let text = |name| repeat.text(name).unwrap_or_default();
    let (queue, name, rule) = (text("queue"), text("name"), text("rule"));
    let (rule, zone) = rule.split_once(" TZ ").unwrap_or((&rule, ""));
    let change = |word| [("change", word), ("queue", &queue[..]), ("name", &name[..])];
    html! {
        tr {
            th scope="row" { (link(visit, "/queue", &[("name", &queue), ("state", "scheduled"), ("q", &format!("{name}:"))], &name))
                @if let Some(owner) = repeat.text("owner") { div.hint { "of " (plain(&owner)) } }
            }
            td { (to_queue(visit, &queue)) }
            td.words title=(plain(rule)) { (plain(&words(rule))) div.hint { (plain(zone)) } }
            td { (field(repeat, "next_at")) }
            td.words { (then(repeat, zone)) }
            td { (field(repeat, "last_at")) }
            td.n { (field(repeat, "fired_total")) @if repeat.get("limit").is_some() { " of " (field(repeat, "limit")) } }
            td { (left_out(repeat)) }
            td { (text("misfire").to_lowercase()) }
            td { (text("overlap").to_lowercase()) }
            td { div.row {
                @if visit.may(&queue, Right::Trigger) { (button(visit, "Run now", &change("trigger"))) }
                @if visit.may(&queue, Right::Unrepeat) {
                    (confirmed(visit, "Remove", "It does not recur any more. Tasks that it has made stay.", "/change", &change("unrepeat")))
                }
            } }
        }
    }
}

/// The occurrences after the next one, as the clock of its zone shows them.
fn then(repeat: &Record, zone: &str) -> Markup {
    let upcoming = repeat.get("upcoming_at").map(Reply::items).unwrap_or_default();
    let moments = upcoming
        .iter()
        .skip(1)
        .filter_map(|at| i64::try_from(at.number()?).ok());
    let zone = TimeZone::get(zone).unwrap_or_else(|_| TimeZone::system());
    html! {
        ul.then {
            @for at in moments { li { time title=(text::moment(at).unwrap_or_default()) { (clock(at, now(), &zone)) } } }
        }
    }
}

/// A moment as short as it can be told apart from the present one.
fn clock(at: i64, now: i64, zone: &TimeZone) -> String {
    let shown = |at| Timestamp::from_millisecond(at).map(|at| at.to_zoned(zone.clone()));
    let (Ok(moment), Ok(now)) = (shown(at), shown(now)) else {
        return at.to_string();
    };
    let time = if moment.second() == 0 { "%R" } else { "%T" };
    let day = match moment.duration_since(&now).as_hours() {
        _ if moment.date() == now.date() => "",
        0..144 => "%a ",
        _ if moment.year() == now.year() => "%-d %b ",
        _ => "%-d %b %Y ",
    };
    moment.strftime(&format!("{day}{time}")).to_string()
}

fn left_out(repeat: &Record) -> Markup {
    let number = |name| repeat.number(name).unwrap_or(0);
    let counts = [("missed", number("missed")), ("skipped", number("skipped"))];
    html! {
        @if let Some(at) = repeat.number("left_out_at") {
            @for (label, count) in counts.iter().filter(|(_, count)| *count > 0) {
                span.state.(label) { (count) " " (label) } " "
            }
            span.hint { (moment(at)) }
        } @else { span.none { (NOTHING) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_on_the_clock_of_the_zone() {
        // 28 November 2026, 10:00 UTC.
        let (now, hour) = (1_795_860_000_000, 3_600_000);
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        for (hours, shown) in [
            (1, "12:00"),
            (24, "Sun 11:00"),
            (24 * 7, "5 Dec 11:00"),
            (24 * 40, "7 Jan 2027 11:00"),
        ] {
            assert_eq!(clock(now + hours * hour, now, &zone), shown);
        }
        assert_eq!(clock(now + 7_000, now, &zone), "11:00:07");
    }

    #[test]
    fn what_was_left_out_is_counted_for_each() {
        let event = |at: i64, word: &str, id: &str, reason: &str| {
            let event = Record::default().and("at", at).and("type", word).and("id", id);
            event.and("reason", reason)
        };
        let mut left_out = LeftOut::default();
        let events = [
            event(9, "skipped", "a:b:9", "overlap"),
            event(8, "missed", "a", "more than 1000"),
            event(7, "dead", "a:b", "attempts"),
            event(6, "missed", "a:b", "3"),
        ];
        left_out.add("q", &events);
        let told = |name: &str| {
            let repeat = left_out.told(Record::default().and("queue", "q").and("name", name));
            ["missed", "skipped", "left_out_at"].map(|name| repeat.number(name))
        };
        assert_eq!(told("a:b"), [Some(3), Some(1), Some(9)]);
        assert_eq!(told("a"), [Some(1_000), Some(0), Some(8)]);
        assert_eq!(told("c"), [Some(0), Some(0), None]);
    }
}
