//! What is on the screen, and what keys do to it.

use std::collections::HashMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::ask::{Answer, Wish};
use super::columns::Column;
use super::table::{Manner, Sort, Table};
use super::view::View;
use crate::connect::CallError;

/// What the keys are for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To move about.
    Plain,
    Help,
    /// To type what is looked for.
    Search,
    /// To type what rows must have.
    Filter,
    /// To choose a column from a list.
    Sort(usize),
}

/// What is to be done after a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Show,
    /// Everything anew, whatever is on the screen.
    Repaint,
    /// Stop this program, as other ones do.
    Stop,
    /// Ask the server for what is looked at now.
    Look,
    End,
}

/// A view, and where somebody is in it.
pub(super) struct Place {
    pub view: View,
    pub table: Table,
    pub filter: String,
    /// What was told last, without its rows.
    pub answer: Answer,
}

pub(super) struct App {
    pub here: Place,
    /// Those that Esc leads back to.
    back: Vec<Place>,
    pub mode: Mode,
    pub search: String,
    /// How each view is sorted, by its title.
    sorts: HashMap<&'static str, Sort>,
    pub trouble: Option<String>,
    /// When the server has told what is shown.
    pub told_at: Option<jiff::Zoned>,
    /// Rows that the screen has room for.
    pub page: usize,
}

impl Place {
    fn new(view: View) -> Place {
        Place {
            view,
            table: Table::default(),
            filter: String::new(),
            answer: Answer::default(),
        }
    }
}

impl App {
    pub(super) fn new() -> App {
        App {
            here: Place::new(View::Queues),
            back: Vec::new(),
            mode: Mode::Plain,
            search: String::new(),
            sorts: HashMap::new(),
            trouble: None,
            told_at: None,
            page: 1,
        }
    }

    /// What the server is to be asked.
    pub(super) fn wish(&self) -> Wish {
        let view = self.here.view.clone();
        let filter = if view.filters_there() {
            self.here.filter.clone()
        } else {
            String::new()
        };
        Wish { view, filter }
    }

    pub(super) fn told(&mut self, view: &View, answer: Result<Answer, CallError>) {
        match answer {
            Err(error @ CallError::Server { .. }) => self.trouble = Some(error.to_string()),
            Err(error) => self.trouble = Some(format!("cannot reach the server, trying again: {error}")),
            Ok(mut answer) => {
                self.trouble = None;
                if *view == self.here.view {
                    let rows = std::mem::take(&mut answer.rows);
                    self.told_at = Some(jiff::Zoned::now());
                    self.here.answer = answer;
                    let manner = manner(&self.here.view, &self.here.filter, &self.sorts);
                    self.here.table.set(rows, &manner);
                }
            }
        }
    }

    pub(super) fn sort(&self) -> Sort {
        self.sorts.get(self.here.view.title()).copied().flatten()
    }

    /// The columns by which rows can be sorted.
    pub(super) fn sortable(&self) -> impl Iterator<Item = &'static Column> + use<> {
        let columns = self.here.view.columns().iter();
        columns.filter(|column| column.field != "trend")
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Act {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('l') if is_control => return Act::Repaint,
            KeyCode::Char('z') if is_control => return Act::Stop,
            KeyCode::F(10) => return Act::End,
            _ => {}
        }
        match self.mode {
            _ if is_control || key.modifiers.contains(KeyModifiers::ALT) => Act::Show,
            Mode::Help => {
                self.mode = Mode::Plain;
                Act::Show
            }
            Mode::Plain => self.command(key.code),
            Mode::Search => self.searched(key.code),
            Mode::Filter => self.filtered(key.code),
            Mode::Sort(at) => self.sorted(key.code, at),
        }
    }

    fn command(&mut self, code: KeyCode) -> Act {
        match code {
            KeyCode::Char('q') => return Act::End,
            KeyCode::Char(' ') => return Act::Look,
            KeyCode::F(1) | KeyCode::Char('?' | 'h') => self.mode = Mode::Help,
            KeyCode::F(3) | KeyCode::Char('/') => {
                self.search.clear();
                self.mode = Mode::Search;
            }
            KeyCode::Char('n') => self.find(true),
            KeyCode::F(4) | KeyCode::Char('\\') => self.mode = Mode::Filter,
            KeyCode::F(5) | KeyCode::Char('I') => self.reverse(),
            KeyCode::F(6) | KeyCode::Char('<' | '>' | ',' | '.') => {
                let now = self.sort();
                let at = now.and_then(|(field, _)| self.sortable().position(|column| column.field == field));
                self.mode = Mode::Sort(at.map_or(0, |at| at + 1));
            }
            KeyCode::Tab | KeyCode::Right => return self.beside(true),
            KeyCode::BackTab | KeyCode::Left => return self.beside(false),
            KeyCode::Char('1') => return self.at(View::Queues),
            KeyCode::Char('2') => return self.at(View::Members),
            KeyCode::Char('3') => return self.at(View::Services),
            KeyCode::Enter => return self.open(),
            KeyCode::Esc | KeyCode::Backspace => return self.leave(),
            code => self.moved(code),
        }
        Act::Show
    }

    fn moved(&mut self, code: KeyCode) {
        let page = isize::try_from(self.page).unwrap_or(1);
        self.here.table.step(match code {
            KeyCode::Up => -1,
            KeyCode::Down => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Home => isize::MIN,
            KeyCode::End => isize::MAX,
            _ => 0,
        });
    }

    fn searched(&mut self, code: KeyCode) -> Act {
        match code {
            KeyCode::Enter | KeyCode::Esc => self.mode = Mode::Plain,
            KeyCode::F(3) => self.find(true),
            KeyCode::Backspace => drop(self.search.pop()),
            KeyCode::Char(letter) => {
                self.search.push(letter);
                self.find(false);
            }
            code => self.moved(code),
        }
        Act::Show
    }

    fn find(&mut self, is_next: bool) {
        if !self.search.is_empty() {
            self.here.table.find(&self.search, self.here.view.columns(), is_next);
        }
    }

    fn filtered(&mut self, code: KeyCode) -> Act {
        match code {
            KeyCode::Enter | KeyCode::F(4) => self.mode = Mode::Plain,
            KeyCode::Esc => {
                self.mode = Mode::Plain;
                self.here.filter.clear();
            }
            KeyCode::Backspace => drop(self.here.filter.pop()),
            KeyCode::Char(letter) => self.here.filter.push(letter),
            code => {
                self.moved(code);
                return Act::Show;
            }
        }
        self.arrange();
        if self.here.view.filters_there() {
            Act::Look
        } else {
            Act::Show
        }
    }

    fn sorted(&mut self, code: KeyCode, at: usize) -> Act {
        let last = self.sortable().count();
        let at = match code {
            KeyCode::Up => at.saturating_sub(1),
            KeyCode::Down => (at + 1).min(last),
            KeyCode::Home => 0,
            KeyCode::End => last,
            KeyCode::Enter => {
                let column = at.checked_sub(1).and_then(|at| self.sortable().nth(at));
                self.set_sort(column.map(|column| (column.field, false)));
                self.mode = Mode::Plain;
                return Act::Show;
            }
            KeyCode::Esc | KeyCode::F(6) | KeyCode::Char('q') => {
                self.mode = Mode::Plain;
                return Act::Show;
            }
            _ => at,
        };
        self.mode = Mode::Sort(at);
        Act::Show
    }

    /// The other way round.
    fn reverse(&mut self) {
        let (field, is_reversed) = self
            .sort()
            .or_else(|| Some((self.sortable().next()?.field, false)))
            .unwrap_or_default();
        self.set_sort(Some((field, !is_reversed)));
    }

    fn set_sort(&mut self, sort: Sort) {
        self.sorts.insert(self.here.view.title(), sort);
        self.arrange();
    }

    fn arrange(&mut self) {
        let manner = manner(&self.here.view, &self.here.filter, &self.sorts);
        self.here.table.arrange(&manner);
    }

    /// Another view in place of this one.
    fn beside(&mut self, is_next: bool) -> Act {
        let all = self.here.view.beside();
        let at = all.iter().position(|(view, _)| *view == self.here.view).unwrap_or(0);
        let to = if is_next { at + 1 } else { at + all.len() - 1 } % all.len();
        match all.into_iter().nth(to) {
            Some((view, _)) if view != self.here.view => {
                let answer = std::mem::take(&mut self.here.answer);
                self.here = Place::new(view);
                // The numbers of a queue are the same beside whatever is listed of it.
                self.here.answer = Answer {
                    is_cut: false,
                    ..answer
                };
                Act::Look
            }
            _ => Act::Show,
        }
    }

    /// One of the first views.
    fn at(&mut self, view: View) -> Act {
        self.back.clear();
        self.here = Place::new(view);
        Act::Look
    }

    /// What is selected.
    fn open(&mut self) -> Act {
        let first = self.here.view.identity().first();
        let name = self.here.table.selected().and_then(|row| row.text(first?));
        let Some(view) = name.and_then(|name| self.here.view.opens(&name)) else {
            return Act::Show;
        };
        let before = std::mem::replace(&mut self.here, Place::new(view));
        self.back.push(before);
        Act::Look
    }

    fn leave(&mut self) -> Act {
        if !self.here.filter.is_empty() {
            self.here.filter.clear();
            self.arrange();
        } else if let Some(before) = self.back.pop() {
            self.here = before;
        } else {
            return Act::Show;
        }
        Act::Look
    }
}

fn manner<'a>(view: &View, filter: &'a str, sorts: &HashMap<&'static str, Sort>) -> Manner<'a> {
    Manner {
        columns: view.columns(),
        identity: view.identity(),
        sort: sorts.get(view.title()).copied().flatten(),
        filter: if view.filters_there() { "" } else { filter },
    }
}
