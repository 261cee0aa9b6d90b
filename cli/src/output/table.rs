//! Records as rows of a table, or as JSON objects.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::record::Record;
use super::text;
use crate::args::Output;
use crate::failure::{Failure, say};

/// How many rows are aligned with each other: no list has to fit into memory.
const ALIGNED: usize = 1_000;
/// What the name of a field ends with, and the head of its column does not.
const UNITS: [&str; 4] = ["_at", "_ms", "_tasks", "_until"];

/// The space between two columns.
const GAP: u16 = 2;
/// What columns that are whole leave at least for each of the others, with its space.
const NARROW: u16 = 8;

/// Rows under columns. Each column shows the field of its name.
pub(crate) struct Rows {
    output: Output,
    columns: Vec<&'static str>,
    waiting: Vec<Record>,
    has_header: bool,
    /// Whether a row may have several lines, so that nothing of it is cut.
    wraps: bool,
}

impl Rows {
    pub(crate) fn new(output: Output, columns: &[&'static str]) -> Rows {
        Rows {
            output,
            columns: columns.into(),
            waiting: Vec::new(),
            has_header: false,
            wraps: false,
        }
    }

    /// The same, in which a row may have several lines.
    pub(crate) fn wrapped(self) -> Rows {
        Rows { wraps: true, ..self }
    }

    /// The lines of a table of these.
    pub(crate) fn of(columns: &[&'static str], records: &[Record]) -> Vec<String> {
        Rows::new(Output::Text, columns).lines(records)
    }

    pub(crate) fn add(&mut self, record: Record) -> Result<(), Failure> {
        if self.output == Output::Json {
            return super::json_line(&record.json());
        }
        self.waiting.push(record);
        if self.waiting.len() < ALIGNED {
            Ok(())
        } else {
            self.show()
        }
    }

    /// Shows what is left. Somebody who sees no table is told why.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.show()?;
        if self.output == Output::Text && !self.has_header && text::terminal().is_some() {
            say("nothing found");
        }
        Ok(())
    }

    fn show(&mut self) -> Result<(), Failure> {
        let records = std::mem::take(&mut self.waiting);
        let lines = self.lines(&records);
        let mut lines = lines.iter();
        let header = lines.next().filter(|_| !std::mem::replace(&mut self.has_header, true));
        header.map_or(Ok(()), |header| super::line(text::bold(header)))?;
        lines.try_for_each(super::line)
    }

    fn lines(&self, records: &[Record]) -> Vec<String> {
        let rows = records.iter().map(|record| self.cells(record)).collect();
        aligned(&self.columns, rows, self.wraps)
    }

    fn cells(&self, record: &Record) -> Vec<String> {
        let cell = |name: &&str| {
            record
                .get(name)
                .map_or_else(|| "-".into(), |value| text::field(name, value))
        };
        self.columns.iter().map(cell).collect()
    }
}

/// One record: a line for each of its fields that has a value, or an object.
pub(crate) fn one(output: Output, record: &Record) -> Result<(), Failure> {
    if output == Output::Json {
        return super::json_line(&record.json());
    }
    lines_of(record).iter().try_for_each(super::line)
}

/// The lines of one record.
pub(crate) fn lines_of(record: &Record) -> Vec<String> {
    let longest = record.fields().map(|(name, _)| name.len()).max().unwrap_or(0);
    let shown = record.fields().filter(|(_, value)| !value.is_null());
    let line = |(name, value): (&str, &_)| format!("{name:longest$}  {}", text::field(name, value));
    shown.map(line).collect()
}

/// What stands over a column: the name of its field, without the unit, which the values have.
fn header(name: &str) -> String {
    let bare = UNITS.iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
    bare.replace('_', " ").to_uppercase()
}

/// The lines of a table; in a terminal not wider than that. None when there are no rows.
fn aligned(columns: &[&str], rows: Vec<Vec<String>>, wraps: bool) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let width = text::terminal().map(|(width, _)| width);
    let most = width.filter(|_| !wraps);
    let mut table = Table::new();
    let header = columns.iter().map(|name| header(name)).collect();
    table.load_style(presets::NOTHING).set_header(row_of(header, most));
    table.add_rows(rows.into_iter().map(|row| row_of(row, most)));
    if most.is_some() {
        // Cells are cut behind a letter, not behind a word.
        table.set_delimiter('\0');
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(width) = width {
        // The space behind the last column is not shown.
        let width = width.saturating_add(GAP);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        keep_whole(&mut table, columns, width);
    }
    table.lines().map(|line| line.trim_end().to_string()).collect()
}

/// Has what does not fit be cut elsewhere: of a moment that is cut the time is missing, and nobody can type an id that is
/// cut. Each of the others has room for a few letters.
fn keep_whole(table: &mut Table, columns: &[&str], width: u16) {
    let widths: Vec<u16> = table
        .column_max_content_widths()
        .iter()
        .map(|width| width.saturating_add(GAP))
        .collect();
    let mut whole: Vec<usize> = Vec::new();
    for suffixes in [&["_at", "_until"][..], &["id"]] {
        let is_one = |at: &usize| {
            columns
                .get(*at)
                .is_some_and(|name| suffixes.iter().any(|end| name.ends_with(end)))
        };
        let more = [&whole[..], &(0..columns.len()).filter(is_one).collect::<Vec<_>>()].concat();
        let least = |(at, width): (usize, &u16)| if more.contains(&at) { *width } else { NARROW.min(*width) };
        if widths.iter().enumerate().map(least).map(u32::from).sum::<u32>() <= u32::from(width) {
            whole = more;
        }
    }
    for at in whole {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// A row; with a width, one that is one line high. What is far too long for a line is not measured in full.
fn row_of(cells: Vec<String>, width: Option<u16>) -> Row {
    let most = width.map_or(usize::MAX, |width| usize::from(width) + 1);
    let cells = cells.into_iter().map(|cell| match cell.char_indices().nth(most) {
        Some((end, _)) => cell.get(..end).unwrap_or_default().to_string(),
        None => cell,
    });
    let mut row = Row::from(cells);
    if width.is_some() {
        row.max_height(1);
    }
    row
}
