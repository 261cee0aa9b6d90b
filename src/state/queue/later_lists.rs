//! The ready lists that have nothing but ids whose records are of a later version.

use crate::names::Id;
use crate::time::Steady;

/// What is remembered of them.
#[derive(Debug, Default)]
pub(crate) struct LaterLists {
    /// Bit p: the list of priority p counts as empty.
    empty: u16,
    /// Until then.
    until: Steady,
    /// How far each list was turned round.
    turns: [Option<Turn>; 10],
}

/// Ids that went from the head of a list to its tail.
#[derive(Debug)]
struct Turn {
    first: Id,
    count: usize,
}

impl LaterLists {
    /// Notes that an id went from the head of a list to its tail. Whether the list, which is so long, has no others
    /// than those that went there.
    pub(crate) fn turn(&mut self, priority: u8, id: &Id, length: usize) -> bool {
        let Some(turn) = self.turns.get_mut(usize::from(priority)) else {
            return false;
        };
        let turn = turn.get_or_insert_with(|| Turn {
            first: id.clone(),
            count: 0,
        });
        // With the first one a new turn begins: within one, no id comes up twice.
        turn.count = if turn.first == *id { 1 } else { turn.count + 1 };
        turn.count >= length
    }

    /// A list counts as empty until then.
    pub(crate) fn set_empty(&mut self, priority: u8, until: Steady) {
        self.empty |= 1 << priority;
        self.until = until;
        if let Some(turn) = self.turns.get_mut(usize::from(priority)) {
            *turn = None;
        }
    }

    /// The lists that count as empty, as bits.
    pub(crate) fn empty(&self) -> u16 {
        self.empty
    }

    /// Until when, if there are any.
    pub(crate) fn until(&self) -> Option<Steady> {
        (self.empty != 0).then_some(self.until)
    }

    /// Those that do so no longer; they are forgotten.
    pub(crate) fn take_over(&mut self, now: Steady) -> u16 {
        if self.empty == 0 || now < self.until {
            return 0;
        }
        std::mem::take(&mut self.empty)
    }
}
