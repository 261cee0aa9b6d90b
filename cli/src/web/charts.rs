//! How a queue has gone while somebody looked.

use maud::{Markup, html};

use super::html::{NOTHING, line, number, rate};
use crate::output::text;
use crate::watch::{Line, Place, Rate};

/// What has left a queue, as a small line.
pub(super) fn trend(rates: &[Rate]) -> Markup {
    let out: Vec<f64> = rates.iter().map(|rate| rate.acked).collect();
    line("trend", &out, "Acknowledged per second, while this page was open")
}

/// A moment of a queue is drawn from this.
type Value = fn(&Rate) -> f64;

/// Throughput, failures and what waits, in the last hour.
pub(super) fn charts(last: Option<&Rate>, seen: &Line) -> Markup {
    type Chart = (&'static str, &'static str, Value, fn(f64) -> String);
    #[allow(clippy::cast_possible_truncation)]
    let all: [Chart; 4] = [
        ("in", "in per second", |rate| rate.scheduled, rate),
        ("out", "done per second", |rate| rate.acked, rate),
        ("failed", "failed or lost per second", |rate| rate.failed, rate),
        ("ready", "ready", |rate| rate.ready, |count| number(count as i64)),
    ];
    let stretches = seen.stretches();
    html! {
        section #charts data-live {
            div.charts {
                @for (class, label, value, told) in all {
                    @let most = stretches.iter().flatten().map(|(_, rate)| value(rate)).fold(0.0, f64::max);
                    figure {
                        figcaption {
                            span { (label) " " strong { (last.map_or_else(|| NOTHING.into(), |last| told(value(last)))) } }
                            span { "at most " (told(most)) }
                        }
                        (drawn(class, &format!("{label}: at most {}", told(most)), &stretches, (value, most)))
                    }
                }
            }
            p.hint {
                @match seen.since {
                    Some(since) => { "Since " (text::moment(since).unwrap_or_default()) ", when somebody began to look." }
                    None => { "The last hour." }
                }
                " The server is asked only while somebody looks: where nobody did, the lines are broken."
            }
        }
    }
}

/// The stretches of a line, up to its largest value.
fn drawn(class: &str, label: &str, stretches: &[Vec<Place>], (value, most): (Value, f64)) -> Markup {
    let most = most.max(f64::MIN_POSITIVE);
    let point = |(place, rate): &Place| format!("{:.1},{:.1}", place * 120.0, 23.0 - value(rate) / most * 22.0);
    let points = |stretch: &Vec<Place>| stretch.iter().map(point).collect::<Vec<_>>().join(" ");
    html! {
        svg.line.(class) viewBox="0 0 120 24" preserveAspectRatio="none" role="img" aria-label=(label) {
            @for stretch in stretches { polyline points=(points(stretch)) {} }
        }
    }
}
