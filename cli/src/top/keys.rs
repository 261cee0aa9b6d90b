//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{Act, App, Mode};
use super::view::View;

impl App {
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
}
