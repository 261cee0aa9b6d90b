//! What stands over the table: where it looks, and the numbers of a queue or of all.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::app::App;
use super::columns::{bars, rate, short};
use super::draw::Look;
use super::view::View;
use crate::output::record::Record;
use crate::output::text;
use crate::watch::{LATE, Rate};

/// What keeps tasks from being done: as many lines of it.
const CAUSES: usize = 3;

/// What is looked at, and whether that works.
pub(super) fn title(app: &App, look: &Look) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut line = vec![
        Span::styled("steward top", bold),
        Span::raw(format!("  {}", look.title)),
    ];
    if let Some(at) = &app.told_at {
        line.push(Span::raw(format!("  {}", at.strftime("%T"))));
    }
    if let Some(trouble) = &app.trouble {
        let trouble = text::printable(trouble.as_bytes());
        line.insert(1, Span::styled(format!("  {trouble}"), look.bad()));
    }
    line.into()
}

pub(super) fn lines(app: &App, look: &Look, width: u16) -> Vec<Line<'static>> {
    let stats = &app.here.answer.stats;
    let rates = &app.here.answer.rates;
    match &app.here.view {
        View::Queues => {
            let count = app.here.table.counts().1;
            let mut numbers = vec![("queues".to_string(), count.to_string(), Style::new())];
            let states = ["ready", "claimed", "scheduled", "blocked", "done", "dead"];
            numbers.extend(states.iter().filter_map(|state| counted(stats, state, look)));
            let mut lines = vec![pairs(numbers, look)];
            lines.extend(charts(rates, look, width, &CHARTS[..2]));
            lines
        }
        View::Queue(name, _) => queue(name, app, look, width),
        view => view.name().iter().map(|name| named(name, app, look)).collect(),
    }
}

/// The numbers of a queue, how it goes, and what is in the way.
fn queue(name: &str, app: &App, look: &Look, width: u16) -> Vec<Line<'static>> {
    const SHOWN: [(&str, &str); 7] = [
        ("oldest", "oldest_ready_ms"),
        ("late p50", "late_p50_ms"),
        ("p99", "late_p99_ms"),
        ("run p50", "run_p50_ms"),
        ("p99", "run_p99_ms"),
        ("waiting", "waiting_clients"),
        ("lost", "lost_total"),
    ];
    let stats = &app.here.answer.stats;
    let number = |(label, field): &(&str, &str)| {
        let value = stats.get(field);
        let shown = match stats.number(field) {
            Some(ms) if field.ends_with("_ms") => text::brief(ms),
            Some(count) => short(count),
            None => value.map_or_else(|| "-".into(), |value| text::field(field, value)),
        };
        let is_late = *field == "oldest_ready_ms" && stats.number(field) > Some(LATE);
        (
            label.to_string(),
            shown,
            if is_late { look.bad() } else { Style::new() },
        )
    };
    let causes = app.here.answer.causes.iter().take(CAUSES).map(|cause| {
        let text = |name| text::printable(cause.text(name).unwrap_or_default().as_bytes());
        let word = Span::styled(text("cause"), look.in_colour(Color::Yellow));
        Line::from(vec![word, Span::raw(format!(": {}", text("text")))])
    });
    let mut lines = vec![named(name, app, look), pairs(SHOWN.iter().map(number).collect(), look)];
    lines.extend(causes);
    lines.extend(charts(&app.here.answer.rates, look, width, &CHARTS));
    lines
}

/// Of what a part is shown, and which of it.
fn named(name: &str, app: &App, look: &Look) -> Line<'static> {
    let style = look.in_colour(Color::Cyan).add_modifier(Modifier::BOLD);
    let name = Span::styled(text::printable(name.as_bytes()), style);
    vec![name, Span::raw("  "), note(app, look)].into()
}

/// What is left out below.
pub(super) fn note(app: &App, look: &Look) -> Span<'static> {
    let (shown, all) = app.here.table.counts();
    let filter = text::printable(app.here.filter.as_bytes());
    let text = match (app.here.answer.is_cut, filter.is_empty()) {
        (false, true) => String::new(),
        (true, true) => format!("the first {all}"),
        (true, false) => format!("filter {filter}: the first {shown}"),
        (false, false) => format!("filter {filter}: {shown}"),
    };
    Span::styled(text, look.in_colour(Color::Yellow))
}

/// How many tasks are in a state.
fn counted(stats: &Record, state: &str, look: &Look) -> Option<(String, String, Style)> {
    let count = stats.number(&format!("{state}_tasks"))?;
    let style = if state == "dead" && count > 0 {
        look.bad()
    } else {
        Style::new()
    };
    Some((state.into(), short(count), style))
}

/// Labels, and what they are of.
fn pairs(pairs: Vec<(String, String, Style)>, look: &Look) -> Line<'static> {
    let pair = |(label, value, style): (String, String, Style)| {
        let label = Span::styled(format!("{label} "), look.in_colour(Color::Cyan));
        [
            label,
            Span::styled(value, style.add_modifier(Modifier::BOLD)),
            Span::raw("  "),
        ]
    };
    pairs.into_iter().flat_map(pair).collect()
}

type Value = fn(&Rate) -> f64;
/// What is drawn over time: the first of all queues too.
const CHARTS: [(&str, Value); 4] = [
    ("in/s", |rate| rate.scheduled),
    ("out/s", |rate| rate.acked),
    ("failed/s", |rate| rate.failed),
    ("ready", |rate| rate.ready),
];

/// A line of bars for each.
fn charts(rates: &[Rate], look: &Look, width: u16, charts: &[(&str, Value)]) -> Vec<Line<'static>> {
    let Some(last) = rates.last() else { return Vec::new() };
    let chart = |(label, value): &(&str, Value)| {
        let values: Vec<f64> = rates.iter().map(value).collect();
        let bars = bars(&values, usize::from(width.saturating_sub(16)));
        Line::from(vec![
            Span::styled(format!("{label:8} "), look.in_colour(Color::Cyan)),
            Span::styled(
                format!("{:>5} ", rate(value(last))),
                Style::new().add_modifier(Modifier::BOLD),
            ),
            Span::styled(bars, look.in_colour(Color::Green)),
        ])
    };
    charts.iter().map(chart).collect()
}
