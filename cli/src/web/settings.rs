//! The settings of a queue, each with what it takes.

use maud::{Markup, html};
use redis::cmd;

use super::html::{hidden, plain, to_queue, wide};
use super::page::Page;
use super::rights::Right;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;
use crate::output::text::brief;

/// What they decide, and their values: docs/reference/settings.md.
const MEANING: [(&str, &str, &str); 17] = [
    ("lease", "how long a claim lasts, in ms", "1 to 1728000000"),
    ("attempts", "how often a task is tried", "1 to 46655"),
    (
        "backoff",
        "the wait between attempts",
        "EXPONENTIAL 1000 MAX 3600000 JITTER 20",
    ),
    ("retain", "how long a done task is kept, in ms", "0: not at all"),
    ("concurrency", "most tasks claimed at once", "0: any number"),
    (
        "rate",
        "most claims in any window of that length",
        "n/ms; 0: any number",
    ),
    ("group-limit", "most tasks of a group that run at a time", "1 to 100"),
    ("group-hold", "how long a task of a group keeps its turn", "end or run"),
    (
        "max-length",
        "most tasks that wait, are claimed or blocked",
        "0: any number",
    ),
    ("max-lost", "claims that a task may lose before it is dead", "0 to 1000"),
    ("dead-limit", "most dead tasks that are kept", "0 to 1000000000"),
    (
        "dead-retain",
        "how long dead tasks are kept, in ms",
        "0 to 3153600000000",
    ),
    (
        "dead-queue",
        "the queue that gets a copy of each dead task",
        "a queue of the same slot",
    ),
    ("events", "how many events are kept", "0 to 1000000"),
    ("events-level", "which events are kept", "problems, ends or all"),
    (
        "history",
        "whether the last hours and days are counted",
        "auto, no or yes",
    ),
    (
        "service",
        "the service whose members are the workers",
        "its own name by default",
    ),
];

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let queue = visit.query.need("name")?;
    let settings = visit.user().call(queue, cmd("TASK.CONFIG").arg("GET").arg(queue))?;
    let settings = Record::of(&settings);
    let may = visit.may(queue, Right::Config);
    let body = html! {
        h1 { "Settings of " (to_queue(visit, queue)) }
        div.settings {
            (wide(
                "Settings",
                &html! { th { "setting" } th { "value" } th { "what it decides" } th { "values" } },
                &html! { @for (name, _) in settings.fields() { (row(visit, queue, name, &settings, may)) } },
            ))
        }
    };
    Ok(Page {
        title: format!("Settings of {queue}"),
        body,
        json: settings.json(),
    })
}

fn row(visit: &Visit, queue: &str, name: &str, settings: &Record, may: bool) -> Markup {
    let value = settings.text(name).unwrap_or_default();
    let known = MEANING.iter().find(|(setting, ..)| *setting == name);
    let (meaning, values) = known.map_or(("", ""), |(_, meaning, values)| (meaning, values));
    html! {
        tr {
            th scope="row" { (name) }
            td {
                @if may {
                    form.row method="post" action=(visit.address("/change", &[])) {
                        (hidden(visit, &[("change", "set"), ("queue", queue), ("setting", name)]))
                        input name="value" value=(value) aria-label=(name);
                        button aria-label=(format!("Set {name}")) { "Set" }
                    }
                } @else { code { (plain(&value)) } }
            }
            td { (meaning) @if let Some(length) = length(meaning, &value) { span.hint { ": " (length) } } }
            td.hint { (values) }
        }
    }
}

/// A number of ms as people say it.
fn length(meaning: &str, value: &str) -> Option<String> {
    let ms = value.parse().ok().filter(|ms| *ms > 0)?;
    meaning.ends_with("in ms").then(|| brief(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_those_of_the_manual() {
        let manual = include_str!("../../../docs/reference/settings.md");
        let table = manual.split("<!-- settings:begin -->").nth(1).unwrap();
        let table = table.split("<!-- settings:end -->").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
        let rows: Vec<(&str, &str)> = cells.map(|cells| (cells[0].trim_end_matches('`'), cells[2])).collect();
        let names: Vec<&str> = MEANING.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, rows.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for ((name, _, shown), (_, values)) in MEANING.iter().zip(rows) {
            assert!(!shown.contains(" to ") || values.starts_with(shown), "{name}: {shown}");
        }
    }
}
