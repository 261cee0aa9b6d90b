//! How a queue has gone while somebody looked.

use maud::{Markup, html};

use super::html::{line, number, rate};
use crate::watch::Rate;

/// What has left a queue, as a small line.
pub(super) fn trend(rates: &[Rate]) -> Markup {
    let out: Vec<f64> = rates.iter().map(|rate| rate.acked).collect();
    line("trend", &out, "Acknowledged per second, while this page was open")
}

/// Throughput, failures and what waits.
pub(super) fn charts(rates: &[Rate]) -> Markup {
    type Chart = (&'static str, &'static str, fn(&Rate) -> f64, fn(f64) -> String);
    #[allow(clippy::cast_possible_truncation)]
    let all: [Chart; 4] = [
        ("in", "in per second", |rate| rate.scheduled, rate),
        ("out", "done per second", |rate| rate.acked, rate),
        ("failed", "failed or lost per second", |rate| rate.failed, rate),
        ("ready", "ready", |rate| rate.ready, |count| number(count as i64)),
    ];
    html! {
        div.charts #charts data-live {
            @for (class, label, value, told) in all {
                @let values: Vec<f64> = rates.iter().map(value).collect();
                @let last = values.last().copied().map_or_else(|| "–".into(), told);
                figure {
                    figcaption { (label) " " strong { (last) } }
                    (line(class, &values, label))
                }
            }
        }
    }
}
