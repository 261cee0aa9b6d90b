//! How it is drawn, whatever the size of the screen.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear};

use super::app::{App, Mode};
use super::columns::{Column, fit, short, width_of};
use super::head;
use super::help::HELP;
use super::view::{Part, View};
use crate::output::record::Record;
use crate::output::text::printable;
use crate::watch::LATE;

/// Rows that stay, however much there is to say above them.
const ROWS: u16 = 5;
/// What keys do, in the last line.
const KEYS: [(&str, &str); 9] = [
    ("F1", "Help"),
    ("F3", "Search"),
    ("F4", "Filter"),
    ("F5", "Reverse"),
    ("F6", "Sort"),
    ("Tab", "Next"),
    ("Enter", "Open"),
    ("Esc", "Back"),
    ("F10", "Quit"),
];

/// What does not change while it runs.
pub(super) struct Look {
    pub has_colours: bool,
    /// The server, and how often it is asked, if somebody has said so.
    pub title: String,
}

impl Look {
    pub(super) fn in_colour(&self, colour: Color) -> Style {
        if self.has_colours {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// What needs somebody.
    pub(super) fn bad(&self) -> Style {
        self.in_colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn bar(&self) -> Style {
        if self.has_colours {
            Style::new().fg(Color::Black).bg(Color::Green)
        } else {
            reversed()
        }
    }
}

pub(super) fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, look: &Look) {
    let area = frame.area();
    let room = area.height.saturating_sub(ROWS + 4);
    let mut over = head::lines(app, look, area.width);
    over.truncate(usize::from(room));
    let heights = [1, u16::try_from(over.len()).unwrap_or(room), 1];
    let [title, numbers, tabs, table, keys] = Layout::vertical([
        Constraint::Length(heights[0]),
        Constraint::Length(heights[1]),
        Constraint::Length(heights[2]),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(head::title(app, look), title);
    for (line, row) in over.into_iter().zip(numbers.rows()) {
        frame.render_widget(line, row);
    }
    draw_tabs(frame, app, look, tabs);
    draw_table(frame, app, look, table);
    frame.render_widget(last_line(app, look), keys);
    match app.mode {
        Mode::Help => draw_list(
            frame,
            area,
            " Keys ",
            HELP.iter().map(|line| Line::raw(*line)).collect(),
            0,
        ),
        Mode::Sort(at) => {
            let columns = app.sortable().map(|column| Line::raw(column.title));
            let choices = std::iter::once(Line::raw("as they come")).chain(columns).collect();
            draw_list(frame, area, " Sort by ", mark(choices, at), at);
        }
        _ => {}
    }
}

fn mark(mut lines: Vec<Line<'static>>, at: usize) -> Vec<Line<'static>> {
    if let Some(line) = lines.get_mut(at) {
        line.style = reversed();
    }
    lines
}

/// The views between which Tab moves, of which the present one is always seen.
fn draw_tabs(frame: &mut Frame<'_>, app: &App, look: &Look, area: Rect) {
    let mut tabs: Vec<(String, bool)> = Vec::new();
    for (view, title) in app.here.view.beside() {
        let count = app.here.answer.stats.number(&format!("{title}_tasks"));
        let count = match view {
            View::Queue(_, Part::Tasks(_)) => count.filter(|count| *count > 0),
            _ => None,
        };
        let count = count.map(|count| format!(" {}", short(count))).unwrap_or_default();
        tabs.push((format!(" {title}{count} "), view == app.here.view));
    }
    let here = tabs.iter().position(|(_, is_here)| *is_here).unwrap_or(0);
    let width = |from: usize| -> u16 {
        let until = tabs.iter().take(here + 1).skip(from);
        until.map(|(title, _)| width_of(title)).sum()
    };
    let from = (0..here).find(|from| width(*from) <= area.width).unwrap_or(here);
    let style = |is_here| if is_here { look.bar() } else { Style::new() };
    let spans = tabs.into_iter().skip(from);
    let line: Line<'_> = spans
        .map(|(title, is_here)| Span::styled(title, style(is_here)))
        .collect();
    frame.render_widget(line, area);
    // Where there is no name, over which it would stand.
    let note = head::note(app, look);
    if app.here.view.name().is_none() && !note.content.is_empty() {
        let line = Line::from(vec![Span::raw(" "), note]);
        let width = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
        let x = area.right() - width;
        let right = Rect { x, width, ..area };
        frame.render_widget(Clear, right);
        frame.render_widget(line, right);
    }
}

fn draw_table(frame: &mut Frame<'_>, app: &mut App, look: &Look, area: Rect) {
    let columns = app.here.view.columns();
    let fitting = fit(columns, app.here.table.needs(), area.width);
    let mut lines = area.rows();
    let Some(header) = lines.next() else { return };
    let sort = app.sort();
    for (column, cell) in cells(columns, &fitting, header) {
        draw_cell(frame, column, column.title.into(), cell);
        if sort.is_some_and(|(field, _)| field == column.field) {
            frame
                .buffer_mut()
                .set_style(cell, look.in_colour(Color::Yellow).add_modifier(Modifier::UNDERLINED));
        }
    }
    frame
        .buffer_mut()
        .set_style(header, Style::new().add_modifier(Modifier::BOLD));
    let room = usize::from(area.height.saturating_sub(1));
    app.page = room.max(1);
    for ((row, is_selected), line) in app.here.table.seen(room).zip(lines) {
        for (column, cell) in cells(columns, &fitting, line) {
            draw_cell(frame, column, column.cell(row), cell);
            if is_alarming(row, column.field) {
                frame.buffer_mut().set_style(cell, look.bad());
            }
        }
        if row.get("note").is_some() {
            frame.buffer_mut().set_style(line, look.in_colour(Color::Yellow));
        }
        if is_selected {
            frame.buffer_mut().set_style(line, reversed());
        }
    }
}

/// The columns that fit into a line, and where.
fn cells(columns: &'static [Column], fitting: &[(usize, u16)], line: Rect) -> Vec<(&'static Column, Rect)> {
    let mut x = line.x;
    let place = |(at, width): &(usize, u16)| {
        let cell = Rect {
            x,
            width: *width,
            ..line
        }
        .intersection(line);
        x = x.saturating_add(width + 1);
        Some((columns.get(*at)?, cell))
    };
    fitting.iter().filter_map(place).collect()
}

/// A text in a cell; what has no room ends with dots.
fn draw_cell(frame: &mut Frame<'_>, column: &Column, text: String, cell: Rect) {
    let is_cut = width_of(&text) > cell.width;
    let line = Line::raw(text);
    frame.render_widget(
        if column.is_number {
            line.alignment(Alignment::Right)
        } else {
            line
        },
        cell,
    );
    if is_cut && cell.width > 0 && column.field != "trend" {
        let last = Rect {
            x: cell.right() - 1,
            width: 1,
            ..cell
        };
        frame.render_widget(Line::raw("…"), last);
    }
}

/// Whether a field says what needs somebody.
fn is_alarming(row: &Record, field: &str) -> bool {
    let number = row.number(field).unwrap_or(0);
    match field {
        "dead_tasks" | "dead_total" => number > 0,
        "oldest_ready_ms" => number > LATE,
        "state" => row.text(field).is_some_and(|state| state == "down"),
        _ => false,
    }
}

/// The keys, or what is typed.
fn last_line(app: &App, look: &Look) -> Line<'static> {
    let typed = |label: &str, text: &str, hint: &str| {
        Line::from(vec![
            Span::styled(format!("{label}:"), look.bar()),
            Span::raw(format!(" {}", printable(text.as_bytes()))),
            Span::styled(" ", reversed()),
            Span::raw(format!("  {hint}")),
        ])
    };
    match app.mode {
        Mode::Search => typed("Search", &app.search, "F3 next  Enter end"),
        Mode::Filter => typed("Filter", &app.here.filter, "Enter keep  Esc clear"),
        _ => {
            let key = |(key, label): &(&'static str, &'static str)| {
                [Span::raw(*key), Span::styled(format!("{label} "), look.bar())]
            };
            KEYS.iter().flat_map(key).collect()
        }
    }
}

/// Lines in a box over all else, of which one is always seen.
fn draw_list(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'static>>, at: usize) {
    let width = lines.iter().map(Line::width).max().unwrap_or(0);
    let size = |length: usize, most: u16| u16::try_from(length + 2).unwrap_or(most).min(most);
    let (width, height) = (size(width.max(title.len()), area.width), size(lines.len(), area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered().title(title.to_string());
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    let first = (at + 1).saturating_sub(usize::from(inner.height));
    for (line, row) in lines.into_iter().skip(first).zip(inner.rows()) {
        let style = line.style;
        frame.render_widget(line, row);
        frame.buffer_mut().set_style(row, style);
    }
}
