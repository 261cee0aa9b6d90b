//! Rows that are sorted, filtered and looked for, of which one is selected and some are seen.

use super::columns::Column;
use crate::output::record::Record;

/// By which column rows are sorted. Without it they are as they came.
pub(super) type Sort = Option<(&'static str, bool)>;

/// How rows are shown.
pub(super) struct Manner<'a> {
    pub columns: &'static [Column],
    /// The fields that tell a row from all others.
    pub identity: &'static [&'static str],
    pub sort: Sort,
    /// Only those that have this text.
    pub filter: &'a str,
}

#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Record>,
    /// How wide each column has to be to show all it has.
    needs: Vec<u16>,
    /// Those that are shown, in their order.
    shown: Vec<usize>,
    /// Where among those is the selected one.
    selected: usize,
    /// The first that is seen.
    top: usize,
}

impl Table {
    /// Other rows. The one that is selected stays so as long as it is there.
    pub(super) fn set(&mut self, rows: Vec<Record>, manner: &Manner<'_>) {
        let before = self.selected().map(|row| key(row, manner.identity));
        self.needs = manner.columns.iter().map(|column| column.need(&rows)).collect();
        self.rows = rows;
        self.arrange_around(before, manner);
    }

    /// The same rows in another manner.
    pub(super) fn arrange(&mut self, manner: &Manner<'_>) {
        let before = self.selected().map(|row| key(row, manner.identity));
        self.arrange_around(before, manner);
    }

    fn arrange_around(&mut self, before: Option<Vec<Option<String>>>, manner: &Manner<'_>) {
        let mut shown: Vec<(usize, &Record)> = self.rows.iter().enumerate().collect();
        if !manner.filter.is_empty() {
            shown.retain(|(_, row)| has(row, manner.columns, manner.filter));
        }
        let column = manner.sort.and_then(|(field, is_reversed)| {
            let column = manner.columns.iter().find(|column| column.field == field)?;
            Some((column, is_reversed))
        });
        if let Some((column, is_reversed)) = column {
            shown.sort_by(|(_, a), (_, b)| column.compare(a, b, is_reversed));
        }
        let found = before.and_then(|before| shown.iter().position(|(_, row)| key(row, manner.identity) == before));
        self.shown = shown.into_iter().map(|(at, _)| at).collect();
        self.selected = found.unwrap_or(self.selected);
        self.step(0);
    }

    /// How many are shown, and how many there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.rows.len())
    }

    pub(super) fn needs(&self) -> &[u16] {
        &self.needs
    }

    pub(super) fn selected(&self) -> Option<&Record> {
        self.rows.get(*self.shown.get(self.selected)?)
    }

    /// Selects another one, so many further down.
    pub(super) fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// Selects the next one that has this text, from the selected one or the one behind it on, and then from the first.
    pub(super) fn find(&mut self, text: &str, columns: &[Column], is_next: bool) {
        let from = self.selected + usize::from(is_next);
        let order = (from..self.shown.len()).chain(0..from.min(self.shown.len()));
        let mut found = order.filter(|at| {
            let row = self.shown.get(*at).and_then(|at| self.rows.get(*at));
            row.is_some_and(|row| has(row, columns, text))
        });
        if let Some(at) = found.next() {
            self.selected = at;
        }
    }

    /// Those that are seen in so many lines, and whether each is the selected one.
    pub(super) fn seen(&mut self, lines: usize) -> impl Iterator<Item = (&Record, bool)> {
        let lines = lines.max(1);
        self.top = self
            .top
            .min(self.shown.len().saturating_sub(lines))
            .min(self.selected)
            .max((self.selected + 1).saturating_sub(lines));
        let (rows, selected) = (&self.rows, self.selected);
        let shown = self.shown.iter().enumerate().skip(self.top).take(lines);
        shown.filter_map(move |(at, row)| Some((rows.get(*row)?, at == selected)))
    }
}

/// What tells a row from all others.
fn key(row: &Record, identity: &[&str]) -> Vec<Option<String>> {
    identity.iter().map(|field| row.text(field)).collect()
}

/// Whether a column with text shows this one, in small or capital letters.
fn has(row: &Record, columns: &[Column], text: &str) -> bool {
    let text = text.to_lowercase();
    let texts = columns.iter().filter(|column| !column.is_number);
    texts
        .into_iter()
        .any(|column| column.cell(row).to_lowercase().contains(&text))
}

#[cfg(test)]
mod tests {
    use super::super::columns::{number, text};
    use super::*;

    const COLUMNS: [Column; 2] = [text("NAME", "name", 4, 0), number("READY", "ready_tasks", 5, 0)];

    fn rows(rows: &[(&str, i64)]) -> Vec<Record> {
        let row = |(name, ready): &(&str, i64)| Record::default().and("name", *name).and("ready_tasks", *ready);
        rows.iter().map(row).collect()
    }

    fn manner(sort: Sort, filter: &str) -> Manner<'_> {
        Manner {
            columns: &COLUMNS,
            identity: &["name"],
            sort,
            filter,
        }
    }

    fn seen(table: &mut Table, lines: usize) -> String {
        let name = |(row, is_selected): (&Record, bool)| {
            let mark = if is_selected { "*" } else { "" };
            row.text("name").unwrap() + mark
        };
        table.seen(lines).map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_selected_stays_so_wherever_it_moves() {
        let mut table = Table::default();
        table.set(rows(&[("a", 1), ("b", 2), ("c", 3)]), &manner(None, ""));
        table.step(1);
        assert_eq!(seen(&mut table, 9), "a b* c");
        table.arrange(&manner(Some(("ready_tasks", false)), ""));
        assert_eq!(seen(&mut table, 9), "c b* a");
        table.set(
            rows(&[("a", 1), ("b", 9), ("c", 3), ("d", 4)]),
            &manner(Some(("ready_tasks", false)), ""),
        );
        assert_eq!(seen(&mut table, 9), "b* d c a");
        table.set(rows(&[("a", 1), ("c", 3)]), &manner(None, ""));
        assert_eq!(seen(&mut table, 9), "a* c");
        table.set(Vec::new(), &manner(None, ""));
        assert_eq!((seen(&mut table, 9), table.selected().is_none()), (String::new(), true));
    }

    #[test]
    fn the_selected_one_is_always_seen() {
        let mut table = Table::default();
        let names: Vec<String> = (0..100).map(|n| format!("q{n}")).collect();
        let many: Vec<(&str, i64)> = names.iter().map(|name| (&name[..], 0)).collect();
        table.set(rows(&many), &manner(None, ""));
        for (by, lines, expected) in [
            (0, 3, "q0* q1 q2"),
            (4, 3, "q2 q3 q4*"),
            (-1, 3, "q2 q3* q4"),
            (0, 1, "q3*"),
            (0, 0, "q3*"),
            (isize::MAX, 3, "q97 q98 q99*"),
            (0, 5, "q95 q96 q97 q98 q99*"),
            (isize::MIN, 2, "q0* q1"),
        ] {
            table.step(by);
            assert_eq!(seen(&mut table, lines), expected);
        }
    }

    #[test]
    fn a_filter_leaves_out_and_a_search_moves_on() {
        let mut table = Table::default();
        let all = rows(&[("mail", 1), ("Mail-eu", 2), ("other", 3)]);
        table.set(all, &manner(None, ""));
        table.find("mail", &COLUMNS, false);
        assert_eq!(seen(&mut table, 9), "mail* Mail-eu other");
        for expected in ["mail Mail-eu* other", "mail* Mail-eu other"] {
            table.find("mail", &COLUMNS, true);
            assert_eq!(seen(&mut table, 9), expected);
        }
        table.find("nothing", &COLUMNS, true);
        assert_eq!(seen(&mut table, 9), "mail* Mail-eu other");
        table.find("other", &COLUMNS, false);
        table.arrange(&manner(None, "MAIL"));
        assert_eq!((seen(&mut table, 9), table.counts()), ("mail Mail-eu*".into(), (2, 3)));
        table.arrange(&manner(None, ""));
        assert_eq!(seen(&mut table, 9), "mail Mail-eu* other");
    }
}
