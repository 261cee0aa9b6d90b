//! How a queue has gone while somebody looked.

use maud::{Markup, html};

use super::html::{line, rate};
use crate::watch::Rate;

/// What has left a queue, as a small line.
pub(super) fn trend(rates: &[Rate]) -> Markup {
    let out: Vec<f64> = rates.iter().map(|rate| rate.acked).collect();
    line("trend", &out, "Acknowledged per second, while this page was open")
}

/// Throughput, failures and what waits.
pub(super) fn charts(rates: &[Rate]) -> Markup {
    type Value = fn(&Rate) -> f64;
    let all: [(&str, &str, Value); 4] = [
        ("in", "in per second", |rate| rate.scheduled),
        ("out", "done per second", |rate| rate.acked),
        ("failed", "failed or lost per second", |rate| rate.failed),
        ("ready", "ready", |rate| rate.ready),
    ];
    html! {
        div.charts #charts data-live {
            @for (class, label, value) in all {
                @let values: Vec<f64> = rates.iter().map(value).collect();
                @let last = values.last().copied().map_or_else(|| "–".into(), rate);
                figure {
                    figcaption { (label) " " strong { (last) } }
                    (line(class, &values, label))
                }
            }
        }
    }
}
