//! The ready lists in which every id belongs to a record of a later version.

use crate::names::Id;
use crate::time::Steady;

/// Those lists, and how far each list was rotated in search of a readable record.
#[derive(Debug, Default)]
pub(crate) struct LaterLists {
    /// Bit p: the list of priority p counts as empty.
    empty: u16,
    /// Until when.
    until: Steady,
    /// How far each list was rotated.
    rotations: [Option<Rotation>; 10],
}

/// Ids that were moved from the head of a list to its tail.
#[derive(Debug)]
struct Rotation {
    first: Id,
    count: usize,
}

impl LaterLists {
    /// Records that an id was moved from the head of a list of this length to its tail. Whether every id of the list
    /// has been moved by now.
    pub(crate) fn rotated(&mut self, priority: u8, id: &Id, length: usize) -> bool {
        let Some(rotation) = self.rotations.get_mut(usize::from(priority)) else {
            return false;
        };
        let rotation = rotation.get_or_insert_with(|| Rotation {
            first: id.clone(),
            count: 0,
        });
        // The first id coming up again starts a new rotation: within one, no id comes up twice.
        rotation.count = if rotation.first == *id { 1 } else { rotation.count + 1 };
        rotation.count >= length
    }

    /// Makes a list count as empty until then.
    pub(crate) fn set_empty(&mut self, priority: u8, until: Steady) {
        self.empty |= 1 << priority;
        self.until = until;
        if let Some(rotation) = self.rotations.get_mut(usize::from(priority)) {
            *rotation = None;
        }
    }

    /// The lists that count as empty, as bits.
    pub(crate) fn empty(&self) -> u16 {
        self.empty
    }

    /// Until when they do, if there are any.
    pub(crate) fn until(&self) -> Option<Steady> {
        (self.empty != 0).then_some(self.until)
    }

    /// Takes the lists whose time is over: they may be tried again.
    pub(crate) fn take_expired(&mut self, now: Steady) -> u16 {
        if self.empty == 0 || now < self.until {
            return 0;
        }
        std::mem::take(&mut self.empty)
    }
}
