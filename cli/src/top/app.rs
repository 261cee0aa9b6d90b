//! What is on the screen, and what can be done to it.

use std::collections::HashMap;

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
        // Somebody looks at something else meanwhile.
        if *view != self.here.view {
            return;
        }
        match answer {
            Err(error @ CallError::Server { .. }) => self.trouble = Some(error.to_string()),
            Err(error) => self.trouble = Some(format!("cannot reach the server, trying again: {error}")),
            Ok(mut answer) => {
                self.trouble = None;
                self.told_at = Some(jiff::Zoned::now());
                let rows = std::mem::take(&mut answer.rows);
                self.here.answer = answer;
                let manner = manner(&self.here.view, &self.here.filter, &self.sorts);
                self.here.table.set(rows, &manner);
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

    pub(super) fn find(&mut self, is_next: bool) {
        if !self.search.is_empty() {
            self.here.table.find(&self.search, self.here.view.columns(), is_next);
        }
    }

    /// The other way round.
    pub(super) fn reverse(&mut self) {
        let (field, is_reversed) = self
            .sort()
            .or_else(|| Some((self.sortable().next()?.field, false)))
            .unwrap_or_default();
        self.set_sort(Some((field, !is_reversed)));
    }

    pub(super) fn set_sort(&mut self, sort: Sort) {
        self.sorts.insert(self.here.view.title(), sort);
        self.arrange();
    }

    pub(super) fn arrange(&mut self) {
        let manner = manner(&self.here.view, &self.here.filter, &self.sorts);
        self.here.table.arrange(&manner);
    }

    /// Another view in place of this one.
    pub(super) fn beside(&mut self, is_next: bool) -> Act {
        let all = self.here.view.beside();
        let at = all.iter().position(|(view, _)| *view == self.here.view).unwrap_or(0);
        let by = if is_next { 1 } else { all.len() - 1 };
        let to = (at + by) % all.len();
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
    pub(super) fn at(&mut self, view: View) -> Act {
        self.back.clear();
        self.here = Place::new(view);
        Act::Look
    }

    /// What is selected.
    pub(super) fn open(&mut self) -> Act {
        let first = self.here.view.identity().first();
        let name = self.here.table.selected().and_then(|row| row.text(first?));
        let Some(view) = name.and_then(|name| self.here.view.opens(&name)) else {
            return Act::Show;
        };
        let before = std::mem::replace(&mut self.here, Place::new(view));
        self.back.push(before);
        Act::Look
    }

    pub(super) fn leave(&mut self) -> Act {
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
