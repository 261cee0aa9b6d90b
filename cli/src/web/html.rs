//! The parts that pages are made of.

use jiff::Timestamp;
use maud::{Markup, html};
use redis::Value;

use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;
use crate::output::text;

/// What is shown in place of nothing.
pub(super) const NOTHING: &str = "–";
/// Bytes of a name that a table shows.
const LONG: usize = 30;

/// Any text, with nothing in it that reorders or hides other text.
pub(super) fn plain(text: &str) -> String {
    text::printable(text.as_bytes())
}

/// The first letters of it.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into(),
    }
}

/// A number, its thousands apart.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{2009}');
        }
        shown.push(digit);
    }
    if number < 0 { format!("−{shown}") } else { shown }
}

/// A part of a thousand.
pub(super) fn percent(thousandths: i64) -> String {
    format!("{}.{}\u{2009}%", thousandths / 10, thousandths % 10)
}

/// How often each second.
pub(super) fn rate(rate: f64) -> String {
    if rate >= 99.5 {
        number(text_of(rate).parse().unwrap_or(0))
    } else if rate > 0.0 {
        format!("{rate:.1}")
    } else {
        "0".into()
    }
}

fn text_of(rate: f64) -> String {
    format!("{rate:.0}")
}

/// The present moment, unix milliseconds.
pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A moment as people say it, and in full when they point at it.
pub(super) fn moment(at: i64) -> Markup {
    let full = text::moment(at).unwrap_or_else(|| at.to_string());
    html! { time title=(full) { (text::distance(at)) } }
}

/// The value of a field, as its name tells: docs/reference/fields.md.
pub(super) fn value(name: &str, value: &Reply) -> Markup {
    let integer = match &value.0 {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    match (name.rsplit_once('_'), integer) {
        (Some((_, "at" | "until")), Some(at)) if at >= 0 => moment(at),
        (Some((_, "ms")), Some(ms)) => html! { (text::brief(ms)) },
        (Some((_, "tasks" | "total")), Some(count)) => html! { (number(count)) },
        _ if name == "error" => html! { (cut(&first_line(value), 300)) },
        _ => html! { (cut(&text::field(name, value), 300)) },
    }
}

/// The first line of a text, and whether there are more.
fn first_line(value: &Reply) -> String {
    let text = value.text().unwrap_or_default();
    match text.split_once('\n') {
        Some((first, _)) => format!("{} …", plain(first)),
        None => plain(&text),
    }
}

/// The same of a record that may not have it.
pub(super) fn field(record: &Record, name: &str) -> Markup {
    record
        .get(name)
        .map_or_else(|| html! { span.none { (NOTHING) } }, |found| value(name, found))
}

/// The numbers of a column, red when they are alarming.
pub(super) fn count(record: &Record, name: &str, is_alarming: impl Fn(i64) -> bool) -> Markup {
    let found = record.number(name);
    let class = match found {
        Some(count) if is_alarming(count) => "n bad",
        Some(0) => "n zero",
        _ => "n",
    };
    html! { td class=(class) { (field(record, name)) } }
}

/// A link to another page.
pub(super) fn link(visit: &Visit, path: &str, query: &[(&str, &str)], text: &str) -> Markup {
    let shown = plain(text);
    // Tables cut what is long.
    let title = (shown.len() > LONG).then_some(&shown);
    html! { a href=(visit.address(path, query)) title=[title] { (shown) } }
}

pub(super) fn to_queue(visit: &Visit, queue: &str) -> Markup {
    link(visit, "/queue", &[("name", queue)], queue)
}

pub(super) fn to_task(visit: &Visit, queue: &str, id: &str) -> Markup {
    link(visit, "/task", &[("queue", queue), ("id", id)], id)
}

/// What a form sends unseen.
pub(super) fn hidden(visit: &Visit, fields: &[(&str, &str)]) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(visit.session.csrf);
        input type="hidden" name="back" value=(visit.here);
        @for (name, value) in fields {
            input type="hidden" name=(name) value=(value);
        }
    }
}

/// A button that makes a change at once.
pub(super) fn button(visit: &Visit, label: &str, fields: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action=(visit.address("/change", &[])) {
            (hidden(visit, fields))
            button { (label) }
        }
    }
}

/// One that first asks whether it is meant.
pub(super) fn confirmed(visit: &Visit, label: &str, question: &str, path: &str, fields: &[(&str, &str)]) -> Markup {
    html! {
        details.confirm {
            summary { (label) }
            form.card method="post" action=(visit.address(path, &[])) {
                p { (question) }
                (hidden(visit, fields))
                button.danger { (label) }
            }
        }
    }
}

/// A table that is moved to and fro where it is wider than the page: its columns, and its rows.
pub(super) fn wide(label: &str, columns: &Markup, rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(label) {
            table { thead { tr { (columns) } } tbody { (rows) } }
        }
    }
}

/// Where there is nothing to show.
pub(super) fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// A small line of values over time, newest last.
pub(super) fn line(class: &str, values: &[f64], label: &str) -> Markup {
    // The newest is at the right edge, 59 steps from the left one.
    let steps = (0..).map(|steps| 1.0 - f64::from(steps) / 59.0);
    lines(class, &[steps.zip(values.iter().rev().copied()).collect()], label)
}

/// Lines of points, each from 0 at the left to 1 at the right, and its value.
pub(super) fn lines(class: &str, lines: &[Vec<(f64, f64)>], label: &str) -> Markup {
    const WIDTH: f64 = 120.0;
    const HEIGHT: f64 = 24.0;
    let most = lines.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max);
    let share = |value: f64| value / most.max(f64::MIN_POSITIVE);
    let point = |(place, value): &(f64, f64)| {
        format!(
            "{:.1},{:.1}",
            place * WIDTH,
            HEIGHT - 1.0 - share(*value) * (HEIGHT - 2.0)
        )
    };
    let points = |line: &Vec<(f64, f64)>| line.iter().map(point).collect::<Vec<_>>().join(" ");
    html! {
        svg.line.(class) viewBox="0 0 120 24" preserveAspectRatio="none" role="img" aria-label=(label) {
            @for line in lines { polyline points=(points(line)) {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_moments_are_relative() {
        assert_eq!(number(0), "0");
        assert_eq!(number(-1_234_567), "−1\u{2009}234\u{2009}567");
        assert_eq!(rate(1234.4), "1\u{2009}234");
        assert_eq!(rate(0.25), "0.2");
        assert!(moment(now() - 61_500).into_string().contains(">1m1s ago<"));
        assert!(moment(now() + 5_900).into_string().contains(">in 5s<"));
        assert_eq!(cut("héllo", 2), "hé…");
    }
}
