//! Families of metrics, and the text of OpenMetrics and of Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Most label sets of a family; the rest are one, `other`.
const MOST: usize = 1_000;
const OTHER: &str = "other";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    /// Quantiles.
    Summary,
}

/// What a family is. Its name ends with its unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub name: &'static str,
    pub of: Type,
    pub help: &'static str,
}

/// Both differ in the names of counters and in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// OpenMetrics 1.0
    Openmetrics,
    /// The text format of Prometheus, as node_exporter reads it from files
    Prometheus,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Openmetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

type Labels = Vec<(&'static str, String)>;

/// Label sets that have a place. They keep it as long as they are there, so that what is counted under `other` does not
/// change with every new name.
#[derive(Default)]
pub(super) struct Places(BTreeMap<&'static str, BTreeSet<Labels>>);

/// The samples of one scrape.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<&'static str, (Family, BTreeMap<Labels, f64>)>);

impl Samples {
    /// Adds a value. Values of one label set are summed; of quantiles the largest counts.
    pub(super) fn add(&mut self, family: Family, labels: Labels, value: f64) {
        let (_, samples) = self.0.entry(family.name).or_insert_with(|| (family, BTreeMap::new()));
        join(family, samples, labels, value);
    }

    /// Leaves no family with more label sets than it may have.
    pub(super) fn bound(&mut self, places: &mut Places) {
        for (name, (family, samples)) in &mut self.0 {
            let places = places.0.entry(*name).or_default();
            let all: BTreeSet<Labels> = samples.keys().map(|labels| named(labels)).collect();
            places.retain(|labels| all.contains(labels));
            let free = MOST.saturating_sub(places.len());
            let new: Vec<Labels> = all.difference(places).take(free).cloned().collect();
            places.extend(new);
            for (labels, value) in std::mem::take(samples) {
                let has_place = places.contains(&named(&labels));
                let labels = if has_place { labels } else { others(labels) };
                join(*family, samples, labels, value);
            }
        }
    }

    pub(super) fn text(&self, format: Format) -> String {
        let mut text = String::new();
        for (family, samples) in self.0.values() {
            let is_counter = family.of == Type::Counter;
            let total = if is_counter { "_total" } else { "" };
            let shown = if format == Format::Prometheus { total } else { "" };
            let word = match family.of {
                Type::Counter => "counter",
                Type::Gauge => "gauge",
                Type::Summary => "summary",
            };
            let name = family.name;
            // A String is never full.
            let _ = writeln!(text, "# HELP {name}{shown} {}", family.help);
            let _ = writeln!(text, "# TYPE {name}{shown} {word}");
            if format == Format::Openmetrics && name.ends_with("_seconds") {
                let _ = writeln!(text, "# UNIT {name} seconds");
            }
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{total}{} {value}", braces(labels));
            }
        }
        if format == Format::Openmetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

fn join(family: Family, samples: &mut BTreeMap<Labels, f64>, labels: Labels, value: f64) {
    let known = samples.entry(labels).or_insert(0.0);
    *known = if family.of == Type::Summary {
        known.max(value)
    } else {
        *known + value
    };
}

/// Without those that are the same for all names.
fn named(labels: &Labels) -> Labels {
    labels.iter().filter(|(label, _)| !is_fixed(label)).cloned().collect()
}

fn is_fixed(label: &str) -> bool {
    matches!(label, "node" | "quantile")
}

fn others(labels: Labels) -> Labels {
    let other = |(label, value)| (label, if is_fixed(label) { value } else { OTHER.to_string() });
    labels.into_iter().map(other).collect()
}

fn braces(labels: &Labels) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: Family = Family {
        name: "runs",
        of: Type::Counter,
        help: "Runs.",
    };

    #[test]
    fn a_thousand_label_sets_keep_their_places_and_the_rest_are_one() {
        let scrape = |from: usize, places: &mut Places| {
            let mut samples = Samples::default();
            for n in from..from + 1_500 {
                samples.add(RUNS, vec![("queue", format!("q{n:05}"))], 2.0);
            }
            samples.bound(places);
            samples.text(Format::Openmetrics)
        };
        let mut places = Places::default();
        let first = scrape(500, &mut places);
        assert_eq!(first.matches("runs_total{").count(), 1_001);
        assert!(first.contains("runs_total{queue=\"other\"} 1000\n"), "{first}");
        // Names that sort before all others, and others that go.
        let second = scrape(0, &mut places);
        assert_eq!(second.matches("runs_total{").count(), 1_001);
        assert!(second.contains("runs_total{queue=\"q01499\"} 2\n"));
        assert!(second.contains("runs_total{queue=\"other\"} 1000\n"));
    }

    #[test]
    fn values_of_labels_are_escaped() {
        let mut samples = Samples::default();
        samples.add(RUNS, vec![("queue", "a\"b\\c\nd".into())], 1.5);
        let text = samples.text(Format::Prometheus);
        assert_eq!(
            text,
            "# HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{queue=\"a\\\"b\\\\c\\nd\"} 1.5\n"
        );
    }
}
