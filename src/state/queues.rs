//! The memories of all queues. A command asks for that of its queue a dozen times, so the one met last is found
//! without a look-up.

use std::cell::Cell;

use super::queue::QueueState;
use crate::names::{ByName, Name};

/// All queues in memory.
#[derive(Debug, Default)]
pub(super) struct Queues {
    all: Vec<(Name, QueueState)>,
    places: ByName<usize>,
    /// The place of the one met last; a hint.
    recent: Cell<usize>,
}

impl Queues {
    #[inline(always)]
    fn place(&self, name: &Name) -> Option<usize> {
        let recent = self.recent.get();
        if self.all.get(recent).is_some_and(|(known, _)| known == name) {
            return Some(recent);
        }
        let place = *self.places.get(name)?;
        self.recent.set(place);
        Some(place)
    }

    /// The memory of a queue, if there is any.
    #[inline]
    pub(super) fn get(&self, name: &Name) -> Option<&QueueState> {
        self.all.get(self.place(name)?).map(|(_, queue)| queue)
    }

    /// The same, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut QueueState> {
        let place = self.place(name)?;
        self.all.get_mut(place).map(|(_, queue)| queue)
    }

    /// The memory of a queue, and whether it was made just now.
    #[inline]
    pub(super) fn get_or_make(&mut self, name: &Name) -> (&mut QueueState, bool) {
        let known = self.place(name);
        let place = known.unwrap_or_else(|| self.make(name));
        #[allow(clippy::indexing_slicing, reason = "a place just found or made")]
        let (_, queue) = &mut self.all[place];
        (queue, known.is_none())
    }

    fn make(&mut self, name: &Name) -> usize {
        let place = self.all.len();
        self.all.push((name.clone(), QueueState::default()));
        self.places.insert(name.clone(), place);
        place
    }

    /// Forgets a queue; the last one takes its place.
    pub(super) fn remove(&mut self, name: &Name) {
        let Some(place) = self.places.remove(name) else {
            return;
        };
        self.all.swap_remove(place);
        if let Some((moved, _)) = self.all.get(place) {
            self.places.insert(moved.clone(), place);
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &QueueState)> {
        self.all.iter().map(|(name, queue)| (name, queue))
    }

    /// All of them, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut QueueState)> {
        self.all.iter_mut().map(|(name, queue)| (&*name, queue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_queue_keeps_its_memory_when_others_go() {
        let name = |number: u64| Name::new(0, number.to_string().as_bytes()).unwrap();
        let mut queues = Queues::default();
        for number in 0..5 {
            let (queue, made) = queues.get_or_make(&name(number));
            assert!(made);
            queue.totals.acked = number;
        }
        for gone in [4, 0, 2, 2] {
            queues.remove(&name(gone));
        }
        let left: Vec<Option<u64>> = (0..5)
            .map(|number| queues.get(&name(number)).map(|queue| queue.totals.acked))
            .collect();
        assert_eq!(left, [None, Some(1), None, Some(3), None]);
        assert!(!queues.get_or_make(&name(3)).1);
        assert_eq!(queues.iter().count(), 2);
    }
}
