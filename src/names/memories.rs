//! What is remembered of names, of all queues or of all services. A command asks for that of its queue a dozen times, so
//! the one met last is found without a look-up.

use std::cell::Cell;

use super::{ByName, Name};

/// A memory for each of some names.
#[derive(Debug)]
pub(crate) struct Memories<T> {
    all: Vec<(Name, Box<T>)>,
    places: ByName<usize>,
    /// The place of the one met last; a hint.
    recent: Cell<usize>,
    /// The place of the one that was last looked at to make room.
    turn: usize,
}

impl<T> Default for Memories<T> {
    fn default() -> Memories<T> {
        Memories {
            all: Vec::new(),
            places: ByName::default(),
            recent: Cell::new(0),
            turn: 0,
        }
    }
}

impl<T> Memories<T> {
    /// The place of a memory, until one is removed.
    #[inline(always)]
    pub(crate) fn place(&self, name: &Name) -> Option<usize> {
        let recent = self.recent.get();
        if self.all.get(recent).is_some_and(|(known, _)| known == name) {
            return Some(recent);
        }
        let place = *self.places.get(name)?;
        self.recent.set(place);
        Some(place)
    }

    /// The memory of a name, if there is any.
    #[inline]
    pub(crate) fn get(&self, name: &Name) -> Option<&T> {
        self.all.get(self.place(name)?).map(|(_, memory)| memory.as_ref())
    }

    /// The same, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, name: &Name) -> Option<&mut T> {
        let place = self.place(name)?;
        self.all.get_mut(place).map(|(_, memory)| memory.as_mut())
    }

    /// The memory at a place.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a place just found or made")]
    pub(crate) fn at(&mut self, place: usize) -> &mut T {
        &mut self.all[place].1
    }

    /// The memory of a name, made if there is none; its place.
    pub(crate) fn get_or_make(&mut self, name: &Name, make: impl FnOnce() -> T) -> usize {
        self.place(name).unwrap_or_else(|| self.put(name, make()))
    }

    fn put(&mut self, name: &Name, memory: T) -> usize {
        let place = self.all.len();
        self.all.push((name.clone(), Box::new(memory)));
        self.places.insert(name.clone(), place);
        place
    }

    /// Forgets a name; the last one takes its place.
    pub(crate) fn remove(&mut self, name: &Name) {
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
    pub(crate) fn next_in_turn(&mut self) -> Option<Name> {
        self.turn = (self.turn + 1) % self.all.len().max(1);
        self.all.get(self.turn).map(|(name, _)| name.clone())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut T)> {
        self.all.iter_mut().map(|(name, memory)| (&*name, memory.as_mut()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_keeps_its_memory_when_others_go() {
        let name = |number: u64| Name::new(0, number.to_string().as_bytes()).unwrap();
        let mut memories = Memories::default();
        for number in 0..5 {
            memories.get_or_make(&name(number), || number);
        }
        for gone in [4, 0, 2, 2] {
            memories.remove(&name(gone));
        }
        let left: Vec<Option<u64>> = (0..5).map(|number| memories.get(&name(number)).copied()).collect();
        assert_eq!(left, [None, Some(1), None, Some(3), None]);
        let known = memories.get_or_make(&name(3), || panic!("it is known"));
        assert_eq!((*memories.at(known), memories.len()), (3, 2));
    }
}
