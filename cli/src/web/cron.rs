//! The recurring tasks of all queues.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{button, confirmed, field, link, nothing, plain, to_queue, wide};
use super::page::Page;
use super::rights::Right;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::output::text::brief;

/// Recurring tasks of a queue that are shown.
const ROWS: usize = 200;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let ask = |name: &str| {
        let mut repeats = cmd("TASK.REPEATS");
        repeats.arg(name).arg("COUNT").arg(ROWS);
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

fn table(visit: &Visit, repeats: &[Record]) -> Markup {
    wide(
        "Recurring tasks",
        &html! { th { "name" } th { "queue" } th { "rule" } th { "zone" } th { "next" } th { "last" } th.n { "made" } th { "missed" } th { "overlap" } th { "owner" } th { span.unseen { "actions" } } },
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
            th scope="row" { (link(visit, "/queue", &[("name", &queue), ("state", "scheduled"), ("q", &format!("{name}:"))], &name)) }
            td { (to_queue(visit, &queue)) }
            td title=(plain(rule)) { (plain(&words(rule))) }
            td { (plain(if zone.is_empty() && rule.starts_with("CRON") { "UTC" } else { zone })) }
            td { (field(repeat, "next_at")) }
            td { (field(repeat, "last_at")) }
            td.n { (field(repeat, "fired_total")) @if repeat.get("limit").is_some() { " of " (field(repeat, "limit")) } }
            td { (text("misfire").to_lowercase()) }
            td { (text("overlap").to_lowercase()) }
            td { (field(repeat, "owner")) }
            td { div.row {
                @if visit.may(&queue, Right::Trigger) { (button(visit, "Run now", &change("trigger"))) }
                @if visit.may(&queue, Right::Unrepeat) {
                    (confirmed(visit, "Remove", "It does not recur any more. Tasks that it has made stay.", "/change", &change("unrepeat")))
                }
            } }
        }
    }
}

/// A rule as people say it, where that is short.
fn words(rule: &str) -> String {
    if let Some(ms) = rule.strip_prefix("EVERY ").and_then(|ms| ms.parse().ok()) {
        return format!("every {}", brief(ms));
    }
    let rule = rule.strip_prefix("CRON ").unwrap_or(rule);
    let time = |minute: &str, hour: &str| {
        let two = |text: &str| text.parse::<u8>().ok().map(|number| format!("{number:02}"));
        Some(format!("{}:{}", two(hour)?, two(minute)?))
    };
    let said = match rule.split(' ').collect::<Vec<_>>()[..] {
        ["*", "*", "*", "*", "*"] => Some("every minute".into()),
        [minute, "*", "*", "*", "*"] => match (minute.strip_prefix("*/"), minute.parse::<u8>()) {
            (Some(minutes), _) => Some(format!("every {minutes} minutes")),
            (None, Ok(minute)) => Some(format!("every hour, at minute {minute}")),
            _ => None,
        },
        [minute, hour, "*", "*", day] => time(minute, hour).map(|time| {
            if day == "*" {
                format!("every day at {time}")
            } else {
                format!("{time} on {day}")
            }
        }),
        [minute, hour, day, "*", "*"] => time(minute, hour).map(|time| format!("{time} on day {day} of the month")),
        _ => None,
    };
    said.unwrap_or_else(|| rule.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_rules_are_said_in_words() {
        for (rule, said) in [
            ("EVERY 60000", "every 1m"),
            ("CRON * * * * *", "every minute"),
            ("CRON */5 * * * *", "every 5 minutes"),
            ("CRON 30 * * * *", "every hour, at minute 30"),
            ("CRON 0 9 * * *", "every day at 09:00"),
            ("CRON 0 9 * * MON-FRI", "09:00 on MON-FRI"),
            ("CRON 5 4 1 * *", "04:05 on day 1 of the month"),
            ("CRON 0 9 13 * FRI", "0 9 13 * FRI"),
            ("CRON @hourly", "@hourly"),
        ] {
            assert_eq!(words(rule), said);
        }
    }
}
