//! Which names are looked at next.

use std::collections::VecDeque;

use crate::names::Name;
use crate::time::{Ms, SECOND, Steady};

/// How often a round begins, ms; with many names less often, so that no more than a twentieth of the time goes into
/// them.
const PERIOD: Ms = SECOND;
const LONGEST: Ms = 10 * SECOND;
const SHARE: Ms = 20;

/// Names in the order of the moments from which they may be dealt with; these never go back.
#[derive(Debug, Default)]
pub(super) struct Line(VecDeque<(Steady, Name)>);

impl Line {
    /// Adds a name.
    pub(super) fn push(&mut self, moment: Steady, name: &Name) {
        self.0.push_back((moment, name.clone()));
    }

    /// When it is the first one's turn.
    pub(super) fn next(&self) -> Option<Steady> {
        self.0.front().map(|(moment, _)| *moment)
    }

    /// Takes the first one, if its turn comes by then.
    pub(super) fn take(&mut self, by: Steady) -> Option<Name> {
        self.next().filter(|moment| *moment <= by)?;
        let (_, name) = self.0.pop_front()?;
        if self.0.len() < self.0.capacity() / 4 {
            self.0.shrink_to(self.0.capacity() / 2);
        }
        Some(name)
    }
}

/// Which names are to be measured, round by round, and which may be put to rest or forgotten.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// Those touched since the last round began, each once, and since when there are any.
    touched: VecDeque<Name>,
    since: Option<Steady>,
    /// Those left of this round, and since when the first of them has waited.
    left: VecDeque<Name>,
    left_since: Option<Steady>,
    begun: Steady,
    /// How long after that the next round begins.
    pause: Ms,
    /// Those in memory, that may be put to rest.
    pub resting: Line,
    /// Those without keys, that may be forgotten.
    pub leaving: Line,
    /// How far all names were visited since the data may have changed as a whole.
    pub revisit: Option<Option<Name>>,
    /// Grows whenever that happens: what was known of a resting queue before is in doubt.
    pub era: u32,
    /// Whether the timer may be needed earlier than when it was last set.
    planned: bool,
}

impl Rounds {
    /// All keys may be different: the timer comes to all names.
    pub(super) fn start_over(&mut self) {
        self.era += 1;
        self.revisit();
    }

    /// The timer comes to all names.
    pub(super) fn revisit(&mut self) {
        self.revisit = Some(None);
        self.planned = true;
    }

    /// A name was touched that is not to be measured yet.
    pub(super) fn touch(&mut self, name: &Name) {
        self.touched.push_back(name.clone());
        self.planned = true;
    }

    /// Whether one of these happened since the last call.
    pub(super) fn take_planned(&mut self) -> bool {
        std::mem::take(&mut self.planned)
    }

    /// When the next name is to be measured.
    pub(super) fn next(&mut self, now: Steady) -> Option<Steady> {
        if !self.left.is_empty() {
            return Some(now);
        }
        if self.touched.is_empty() {
            return None;
        }
        self.since.get_or_insert(now);
        Some(self.begun.after(self.pause))
    }

    /// How many are to be measured.
    pub(super) fn count(&self) -> usize {
        self.left.len() + self.touched.len()
    }

    /// Since when the first of them has waited.
    pub(super) fn waits_since(&self) -> Option<Steady> {
        let left = self.left_since.filter(|_| !self.left.is_empty());
        left.or_else(|| self.since.filter(|_| !self.touched.is_empty()))
    }

    /// Adds those touched to this round, in their order; a million of them are not copied. If nobody has asked since for
    /// the next moment, they were touched after the last round began.
    pub(super) fn begin(&mut self) {
        let since = self.since.take().or((!self.touched.is_empty()).then_some(self.begun));
        let mut touched = std::mem::take(&mut self.touched);
        if self.left.is_empty() {
            self.left = touched;
        } else {
            self.left.append(&mut touched);
        }
        self.left_since = self.left_since.or(since);
    }

    /// Takes the next one, when it is time.
    pub(super) fn take(&mut self, now: Steady) -> Option<Name> {
        if self.left.is_empty() && now >= self.begun.after(self.pause) {
            self.left_since = None;
            self.begin();
            self.begun = now;
        }
        let name = self.left.pop_front()?;
        self.pause = (now.since(self.begun) * SHARE).clamp(PERIOD, LONGEST);
        if self.left.is_empty() {
            self.left = VecDeque::new();
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_touched_during_a_round_have_waited_since_it_began() {
        let name = |text: &str| Name::new(0, text.as_bytes()).unwrap();
        let mut rounds = Rounds::default();
        rounds.touch(&name("a"));
        assert_eq!(rounds.next(Steady(10_000)), Some(Steady(0)));
        assert_eq!(rounds.waits_since(), Some(Steady(10_000)));
        assert_eq!(rounds.take(Steady(11_000)), Some(name("a")));
        assert_eq!(rounds.waits_since(), None);
        rounds.touch(&name("b"));
        rounds.touch(&name("c"));
        assert!(rounds.take(Steady(90_000)).is_some());
        assert_eq!(rounds.waits_since(), Some(Steady(11_000)));
    }
}
