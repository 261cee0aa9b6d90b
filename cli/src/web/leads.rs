//! Who led a service, for how long, and why that ended: the story that its events tell.

use maud::{Markup, html};

use super::html::{field, moment, nothing, now, plain};
use crate::output::record::Record;
use crate::output::text::brief;

/// The last ones that are shown.
const SHOWN: usize = 20;

/// The times that members led, the last one first, from events of which the last is the first.
pub(super) fn of(events: &[Record]) -> Vec<Record> {
    let mut leads: Vec<Record> = Vec::new();
    for event in events.iter().rev() {
        let text = |name| event.text(name).unwrap_or_default();
        let at = event.number("at").unwrap_or(0);
        let is_same = |lead: &Record| lead.text("member") == event.text("member");
        let last = leads.last_mut().filter(|lead| lead.get("ended_at").is_none());
        match (&text("type")[..], last) {
            // After a restart or a failover it leads on with a new epoch.
            ("leader", Some(last)) if is_same(last) => last.put("epoch", &text("epoch")),
            ("leader", last) => {
                if let Some(last) = last {
                    *last = last.clone().and("ended_at", at).and("reason", "another leads");
                }
                let lead = ["member", "pid", "host", "epoch"]
                    .iter()
                    .fold(Record::default(), |lead, name| lead.and(name, &text(name)[..]));
                leads.push(lead.and("since_at", at));
            }
            (word @ ("down" | "resigned"), Some(last)) if is_same(last) => {
                let reason = if word == "resigned" {
                    word.into()
                } else {
                    text("reason")
                };
                *last = last.clone().and("ended_at", at).and("reason", &reason[..]);
            }
            _ => {}
        }
    }
    leads.into_iter().rev().take(SHOWN).collect()
}

pub(super) fn shown(leads: &[Record]) -> Markup {
    html! {
        h2 { "Leaders so far" }
        @if leads.is_empty() { (nothing("No events tell.")) }
        ol.timeline {
            @for lead in leads {
                @let since = lead.number("since_at").unwrap_or(0);
                li {
                    span.what { (field(lead, "member")) }
                    @if let Some(end) = lead.number("ended_at") {
                        " led for " (brief(end - since)) ", until " (moment(end))
                        span.hint { ": " (why(&lead.text("reason").unwrap_or_default())) }
                    } @else {
                        " has led for " (brief((now() - since) / 1_000 * 1_000))
                    }
                }
            }
        }
    }
}

/// The reason of an event in words.
fn why(reason: &str) -> String {
    match reason {
        "ttl" => "no heartbeat in time".into(),
        "disconnect" => "its connection was closed".into(),
        "reboot" => "its host was started again".into(),
        "replaced" => "another process took its name".into(),
        "left" => "it left".into(),
        "deleted" => "its record was deleted".into(),
        "resigned" => "it resigned".into(),
        text => plain(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, word: &str, member: &str, more: &str) -> Record {
        let event = Record::default().and("at", at).and("type", word).and("member", member);
        let epoch = if word == "leader" { more } else { "" };
        event.and("epoch", epoch).and("reason", more)
    }

    #[test]
    fn a_lead_ends_with_its_member_or_with_the_next_leader() {
        let mut events = vec![
            event(1, "up", "a", "registered"),
            event(2, "leader", "a", "7"),
            event(3, "down", "b", "ttl"),
            event(4, "leader", "a", "8"),
            event(5, "down", "a", "ttl"),
            event(5, "leader", "c", "9"),
            event(6, "resigned", "c", "9"),
            event(6, "leader", "d", "10"),
            event(7, "leader", "e", "11"),
        ];
        events.reverse();
        let told = |lead: &Record| {
            let text = |name| lead.text(name).unwrap_or("-".into());
            ["member", "epoch", "since_at", "ended_at", "reason"]
                .map(text)
                .join(" ")
        };
        assert_eq!(
            of(&events).iter().map(told).collect::<Vec<_>>(),
            [
                "e 11 7 - -",
                "d 10 6 7 another leads",
                "c 9 5 6 resigned",
                "a 8 2 5 ttl"
            ]
        );
    }
}
