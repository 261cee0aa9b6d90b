//! The memories of all queues. A command asks for that of its queue a dozen times, so the one met last is found
//! without a look-up.

use std::cell::Cell;

use super::queue::QueueState;
use crate::names::{ByName, Name};

/// All queues in memory.
#[derive(Debug, Default)]
pub(super) struct Queues {
    all: Vec<(Name, Box<QueueState>)>,
    places: ByName<usize>,
    /// The place of the one met last; a hint.
    recent: Cell<usize>,
    /// The place of the one that was last looked at to make room.
    turn: usize,
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
        self.all.get(self.place(name)?).map(|(_, queue)| queue.as_ref())
    }

    /// The same, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut QueueState> {
        let place = self.place(name)?;
        self.all.get_mut(place).map(|(_, queue)| queue.as_mut())
    }

    /// The place of a queue that is to be measured.
    #[inline]
    pub(super) fn listed(&self, name: &Name) -> Option<usize> {
        let place = self.place(name)?;
        self.all
            .get(place)
            .is_some_and(|(_, queue)| queue.listed)
            .then_some(place)
    }

    /// The memory at a place.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a place just found or made")]
    pub(super) fn at(&mut self, place: usize) -> &mut QueueState {
        &mut self.all[place].1
    }

    /// The memory of a queue, made if there is none; its place.
    pub(super) fn get_or_make(&mut self, name: &Name, make: impl FnOnce() -> QueueState) -> usize {
        self.place(name).unwrap_or_else(|| self.put(name, make()))
    }

    fn put(&mut self, name: &Name, queue: QueueState) -> usize {
        let place = self.all.len();
        self.all.push((name.clone(), Box::new(queue)));
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
        if self.all.len() < self.all.capacity() / 4 {
            self.all.shrink_to(self.all.capacity() / 2);
            self.places.shrink_to(self.all.capacity());
        }
    }

    /// One after the other of them.
    pub(super) fn next_in_turn(&mut self) -> Option<Name> {
        self.turn = (self.turn + 1) % self.all.len().max(1);
        self.all.get(self.turn).map(|(name, _)| name.clone())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut QueueState)> {
        self.all.iter_mut().map(|(name, queue)| (&*name, queue.as_mut()))
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
            let place = queues.get_or_make(&name(number), QueueState::default);
            queues.at(place).totals.acked = number;
        }
        for gone in [4, 0, 2, 2] {
            queues.remove(&name(gone));
        }
        let left: Vec<Option<u64>> = (0..5)
            .map(|number| queues.get(&name(number)).map(|queue| queue.totals.acked))
            .collect();
        assert_eq!(left, [None, Some(1), None, Some(3), None]);
        let known = queues.get_or_make(&name(3), || panic!("it is known"));
        assert_eq!((queues.at(known).totals.acked, queues.len()), (3, 2));
    }
}
