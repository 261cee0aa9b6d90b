//! How the kinds of tasks have gone while somebody looked: the server keeps no history of each.

use std::collections::HashMap;
use std::time::Instant;

use crate::output::record::Record;
use crate::watch::{Pace, Samples};

/// The counters of a kind at a moment.
#[derive(Clone, Copy)]
struct Point {
    acked: i64,
    failed: i64,
    run_total_ms: i64,
}

/// What happened between its points.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Trend {
    /// Failed runs of a hundred that ended.
    pub failures: Vec<f64>,
    /// How long a run took, ms.
    pub runs: Vec<f64>,
}

/// Those of all kinds that one user sees, by queue and kind.
#[derive(Default)]
pub(super) struct Trends(HashMap<(String, String), Samples<Point>>);

impl Trends {
    /// Remembers the counters of these kinds, and tells how each has gone.
    pub(super) fn add(&mut self, kinds: &[Record]) -> Vec<Trend> {
        let now = Instant::now();
        let trends = kinds.iter().map(|kind| self.add_one(kind, now)).collect();
        self.0.retain(|_, points| points.is_looked_at(now, Pace::default().gap));
        trends
    }

    fn add_one(&mut self, kind: &Record, at: Instant) -> Trend {
        let number = |name| kind.number(name).unwrap_or(0);
        let point = Point {
            acked: number("acked_total"),
            failed: number("failed_total"),
            run_total_ms: number("run_total_ms"),
        };
        let text = |name| kind.text(name).unwrap_or_default();
        let points = self.0.entry((text("queue"), text("kind"))).or_default();
        points.add((at, point), Pace::default(), |last, now| {
            last.acked > now.acked || last.failed > now.failed
        });
        trend(points)
    }
}

#[allow(clippy::cast_precision_loss)]
fn trend(points: &Samples<Point>) -> Trend {
    let mut trend = Trend::default();
    for ((_, before), (_, after)) in points.steps() {
        let failed = after.failed - before.failed;
        let ended = (failed + after.acked - before.acked).max(1) as f64;
        trend.failures.push(100.0 * failed as f64 / ended);
        trend
            .runs
            .push((after.run_total_ms - before.run_total_ms).max(0) as f64 / ended);
    }
    trend
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn kind(acked: i64, failed: i64, run_total_ms: i64) -> Record {
        let kind = Record::default().and("queue", "q").and("kind", "k");
        let kind = kind.and("acked_total", acked).and("failed_total", failed);
        kind.and("run_total_ms", run_total_ms)
    }

    #[test]
    fn a_trend_is_what_changed_from_look_to_look() {
        let mut trends = Trends::default();
        let begin = Instant::now();
        let mut look = |seconds, record| trends.add_one(&record, begin + Duration::from_secs(seconds));
        assert_eq!(look(0, kind(100, 0, 9_000)), Trend::default());
        assert_eq!(
            look(0, kind(101, 0, 9_000)),
            Trend::default(),
            "another one looks as well"
        );
        look(1, kind(103, 1, 9_400));
        let trend = look(2, kind(103, 1, 9_400));
        assert_eq!(
            (&trend.failures[..], &trend.runs[..]),
            (&[25.0, 0.0][..], &[100.0, 0.0][..])
        );
        assert_eq!(
            look(3, kind(1, 0, 10)),
            Trend::default(),
            "the server has started again"
        );
        look(4, kind(2, 0, 20));
        assert_eq!(look(60, kind(2, 0, 20)), Trend::default(), "nobody looked");
    }
}
