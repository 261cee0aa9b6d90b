//! Columns: which of them fit a width, what they show of a record, and how records are sorted by one.

use std::cmp::Ordering;

use ratatui::text::Span;
use redis::Value;

use crate::output::record::Record;
use crate::output::text;

/// Cells between two columns.
const GAP: u16 = 1;
const NOTHING: &str = "-";
/// Heights of a bar, the lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A column, which shows one field.
#[derive(Debug)]
pub(super) struct Column {
    pub title: &'static str,
    pub field: &'static str,
    /// The width that it has at least.
    least: u16,
    /// Those with the highest are left out first, those with 0 never.
    rank: u8,
    /// Whether it becomes wider for what it shows.
    grows: bool,
    pub is_number: bool,
}

/// One of any text.
pub(super) const fn text(title: &'static str, field: &'static str, least: u16, rank: u8) -> Column {
    let column = left(title, field, least, rank);
    Column { grows: true, ..column }
}

/// One of words that are known.
pub(super) const fn left(title: &'static str, field: &'static str, least: u16, rank: u8) -> Column {
    Column {
        title,
        field,
        least,
        rank,
        grows: false,
        is_number: false,
    }
}

/// One of numbers or durations, aligned to the right.
pub(super) const fn number(title: &'static str, field: &'static str, least: u16, rank: u8) -> Column {
    let column = left(title, field, least, rank);
    Column {
        is_number: true,
        ..column
    }
}

/// One of bars, of which the last are seen where there is no room for all.
pub(super) const fn trend(title: &'static str, field: &'static str, least: u16, rank: u8) -> Column {
    let column = number(title, field, least, rank);
    Column { grows: true, ..column }
}

impl Column {
    /// What it shows of a record, in one line that no terminal takes for commands.
    pub(super) fn cell(&self, record: &Record) -> String {
        let Some(value) = record.get(self.field) else {
            return NOTHING.into();
        };
        let has_unit = |unit: &str| self.field.ends_with(unit);
        match value.0 {
            Value::Double(each) => rate(each),
            Value::Int(ms) if has_unit("_ms") => text::brief(ms),
            Value::Int(at) if has_unit("_at") => text::distance(at),
            Value::Int(count) if has_unit("_tasks") || has_unit("_total") => short(count),
            _ => text::field(self.field, value),
        }
    }

    /// How wide it has to be to show all of these.
    pub(super) fn need(&self, rows: &[Record]) -> u16 {
        // The others are as wide as they are.
        let rows = if self.grows { rows } else { &[] };
        rows.iter().map(|row| width_of(&self.cell(row))).max().unwrap_or(0)
    }

    /// The order of two records in this column: numbers largest first, texts by their letters, what has no value last.
    pub(super) fn compare(&self, a: &Record, b: &Record, is_reversed: bool) -> Ordering {
        let order = match (a.get(self.field), b.get(self.field)) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(a), Some(b)) => match (&a.0, &b.0) {
                (Value::Int(a), Value::Int(b)) => b.cmp(a),
                (Value::Double(a), Value::Double(b)) => b.total_cmp(a),
                _ => a.text().cmp(&b.text()),
            },
        };
        if is_reversed { order.reverse() } else { order }
    }
}

/// A number of at most five letters.
pub(super) fn short(count: i64) -> String {
    match count {
        -9_999..=99_999 => count.to_string(),
        100_000..1_000_000 => format!("{}k", count / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", count / 1_000_000, count / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

/// How often each second.
pub(super) fn rate(rate: f64) -> String {
    #[allow(clippy::cast_possible_truncation)]
    let whole = rate.round() as i64;
    match rate {
        99.5.. => short(whole),
        rate if rate > 0.0 => format!("{rate:.1}"),
        _ => "0".into(),
    }
}

/// Values over time as a line of bars, the newest at its end.
pub(super) fn bars(values: &[f64], width: usize) -> String {
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or_default();
    let most = shown.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bar = |value: &f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let height = (value / most * 7.0).round() as usize;
        BARS.get(height).copied().unwrap_or(' ')
    };
    shown.iter().map(bar).collect()
}

/// The columns of a line and what each is wide; how wide one has to be to show all it has is in `needs`.
pub(super) fn fit(columns: &[Column], needs: &[u16], width: u16) -> Vec<(usize, u16)> {
    let mut kept: Vec<(usize, &Column)> = columns.iter().enumerate().collect();
    let least = |kept: &[(usize, &Column)]| kept.iter().map(|(_, column)| column.least + GAP).sum::<u16>();
    while least(&kept) > width + GAP {
        let last = kept.iter().enumerate().max_by_key(|(_, (_, column))| column.rank);
        match last {
            Some((at, (_, column))) if column.rank > 0 => kept.remove(at),
            _ => break,
        };
    }
    let mut left = (width + GAP).saturating_sub(least(&kept));
    let widths = kept.into_iter().map(|(at, column)| {
        let need = needs.get(at).copied().filter(|_| column.grows).unwrap_or(0);
        let more = need.saturating_sub(column.least).min(left);
        left -= more;
        (at, column.least + more)
    });
    widths.collect()
}

/// How many cells of a terminal a text takes.
pub(super) fn width_of(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Reply;

    const COLUMNS: [Column; 4] = [
        text("NAME", "name", 4, 0),
        number("A", "a_tasks", 5, 2),
        number("B", "b_ms", 5, 1),
        text("WHY", "why", 3, 3),
    ];

    #[test]
    fn what_matters_least_is_left_out_first_and_texts_get_what_is_left() {
        let fitting = |needs: [u16; 4], width| fit(&COLUMNS, &needs, width);
        assert_eq!(fitting([4; 4], 20), [(0, 4), (1, 5), (2, 5), (3, 3)]);
        assert_eq!(fitting([4; 4], 19), [(0, 4), (1, 5), (2, 5)]);
        assert_eq!(fitting([4; 4], 15), [(0, 4), (2, 5)]);
        assert_eq!(fitting([4; 4], 1), [(0, 4)]);
        assert_eq!(fitting([9, 9, 9, 99], 30), [(0, 9), (1, 5), (2, 5), (3, 8)]);
        for width in 0..60 {
            let used: u16 = fitting([20; 4], width).iter().map(|(_, width)| width + GAP).sum();
            assert!(used <= (width + GAP).max(5), "{width}: {used}");
        }
    }

    #[test]
    fn cells_are_short_and_command_no_terminal() {
        assert_eq!(
            [
                0,
                -5,
                99_999,
                123_456,
                1_000_000,
                12_340_000,
                999_900_000,
                4_000_000_000
            ]
            .map(short),
            ["0", "-5", "99999", "123k", "1.0M", "12M", "999M", "4G"]
        );
        assert_eq!(
            [0.0, 0.25, 99.4, 99.6, 250_000.0].map(rate),
            ["0", "0.2", "99.4", "100", "250k"]
        );
        let record = Record::default()
            .and("name", "a\u{1b}[2J\n")
            .and("a_tasks", 250_000)
            .and("b_ms", 61_000);
        let cells: Vec<String> = COLUMNS.iter().map(|column| column.cell(&record)).collect();
        assert_eq!(cells, [r"a\u{1b}[2J\n", "250k", "1m1s", "-"]);
    }

    #[test]
    fn bars_are_as_high_as_the_values_beside_them() {
        assert_eq!(bars(&[9.0, 0.0, 1.0, 2.0], 3), "▁▅█");
        assert_eq!(bars(&[0.0, 0.0], 9), "▁▁");
        assert_eq!(bars(&[], 9), "");
        assert_eq!(bars(&[1.0], 0), "");
    }

    #[test]
    fn numbers_are_sorted_from_the_largest_texts_from_the_first_and_nothing_is_last() {
        let [name, a, ..] = &COLUMNS;
        let record = |name, count: Option<i64>| {
            let record = Record::default().and("name", name);
            count.map_or(record.clone(), |count| record.and("a_tasks", count))
        };
        let (few, many, none) = (record("x", Some(2)), record("y", Some(10)), record("z", None));
        assert_eq!(a.compare(&few, &many, false), Ordering::Greater);
        assert_eq!(a.compare(&few, &many, true), Ordering::Less);
        assert_eq!(a.compare(&none, &many, false), Ordering::Greater);
        assert_eq!(a.compare(&none, &many, true), Ordering::Greater);
        assert_eq!(name.compare(&few, &many, false), Ordering::Less);
        let rated = |rate| Record::default().and("a_tasks", Reply(Value::Double(rate)));
        assert_eq!(a.compare(&rated(1.5), &rated(20.0), false), Ordering::Greater);
    }
}
