//! The report: figures with their spread over the rounds, beside the aims.

/// The aim of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// None: the figure only informs.
    None,
    /// The median is at most this.
    AtMost(f64),
    /// The median is at least this.
    AtLeast(f64),
    /// The largest value of all rounds is at most this.
    NeverAbove(f64),
}

/// Prints figures as they come and counts how many meet their aims.
#[derive(Default)]
pub struct Report {
    met: usize,
    missed: usize,
}

impl Report {
    /// Starts a section: what is measured, and how.
    pub fn section(&mut self, title: &str) {
        println!("\n{title}");
        println!("  {:<52} {:>9} {:>9} {:>9}   aim", "", "min", "median", "max");
    }

    /// One figure with its value in each round.
    pub fn figure(&mut self, label: &str, values: impl IntoIterator<Item = f64>, aim: Aim) {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else {
            return;
        };
        let median = values.get(values.len() / 2).unwrap_or(max);
        let verdict = self.judge(aim, *median, *max);
        println!(
            "  {label:<52} {:>9} {:>9} {:>9}   {verdict}",
            short(*min),
            short(*median),
            short(*max)
        );
    }

    /// A line instead of figures.
    pub fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// The last line.
    pub fn finish(&self) {
        println!("\n{} aims met, {} missed", self.met, self.missed);
    }

    fn judge(&mut self, aim: Aim, median: f64, max: f64) -> String {
        let (met, text) = match aim {
            Aim::None => return String::new(),
            Aim::AtMost(limit) => (median <= limit, format!("median at most {limit}")),
            Aim::AtLeast(limit) => (median >= limit, format!("median at least {limit}")),
            Aim::NeverAbove(limit) => (max <= limit, format!("never above {limit}")),
        };
        *if met { &mut self.met } else { &mut self.missed } += 1;
        format!("{text}: {}", if met { "ok" } else { "MISSED" })
    }
}

/// The value of rank `share` (0 to 1) of these; 0 of none.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share) as usize;
    values
        .get(rank.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

/// Three significant digits.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}
