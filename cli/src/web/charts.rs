//! How a queue has gone while somebody looked.

use maud::{Markup, html};

use super::html::{NOTHING, line, lines, number, rate};
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
                    @let drawn: Vec<Vec<(f64, f64)>> = stretches.iter().map(|stretch| points(stretch, value)).collect();
                    @let most = drawn.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max);
                    figure {
                        figcaption {
                            span { (label) " " strong { (last.map_or_else(|| NOTHING.into(), |last| told(value(last)))) } }
                            span { "at most " (told(most)) }
                        }
                        (lines(class, &drawn, &format!("{label}: at most {}", told(most))))
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

/// Where the points of a stretch are, and what is drawn of them.
fn points(stretch: &[Place], value: Value) -> Vec<(f64, f64)> {
    stretch.iter().map(|(place, rate)| (*place, value(rate))).collect()
}
