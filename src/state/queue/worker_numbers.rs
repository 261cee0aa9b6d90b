//! The numbers that stand for workers in the headers of tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// The numbers that stand for workers in the headers. A free one is found at once, however many there are.
#[derive(Clone, Debug)]
pub(crate) struct WorkerNumbers {
    by_name: BTreeMap<String, u32>,
    by_number: BTreeMap<u32, String>,
    /// Every free number is one of these, or from `next` on.
    freed: BTreeSet<u32>,
    next: u32,
}

impl Default for WorkerNumbers {
    fn default() -> WorkerNumbers {
        WorkerNumbers {
            by_name: BTreeMap::new(),
            by_number: BTreeMap::new(),
            freed: BTreeSet::new(),
            // In a header, 0 stands for no worker.
            next: 1,
        }
    }
}

impl WorkerNumbers {
    /// From the fields of the workers hash; what is not a number and a name is passed over.
    pub(crate) fn read(fields: Vec<(Vec<u8>, Vec<u8>)>) -> WorkerNumbers {
        let mut numbers = WorkerNumbers::default();
        for (number, name) in fields {
            let number = std::str::from_utf8(&number).ok().and_then(|text| text.parse().ok());
            if let (Some(number), Ok(name)) = (number, String::from_utf8(name)) {
                numbers.insert(number, name);
            }
        }
        numbers
    }
    /// The number of a worker.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }
    /// The worker of a number.
    pub(crate) fn name(&self, number: u32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }
    /// Gives a worker the lowest free number.
    pub(crate) fn add(&mut self, name: &str) -> u32 {
        while self.by_number.contains_key(&self.next) {
            self.next += 1;
        }
        let number = self.freed.first().copied().unwrap_or(self.next);
        self.insert(number, name.to_string());
        number
    }
    fn insert(&mut self, number: u32, name: String) {
        self.freed.remove(&number);
        self.by_name.insert(name.clone(), number);
        self.by_number.insert(number, name);
    }
    /// Forgets a worker.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(name) = self.by_number.remove(&number) {
            self.by_name.remove(&name);
            if (1..self.next).contains(&number) {
                self.freed.insert(number);
            }
        }
    }
    /// All workers behind this one, by name.
    pub(crate) fn after(&self, name: Option<&str>) -> impl Iterator<Item = (&str, u32)> {
        let behind = (name.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let workers = self.by_name.range::<str, _>(behind);
        workers.map(|(name, number)| (name.as_str(), *number))
    }
    /// All numbers from this one on, ascending.
    pub(crate) fn from(&self, number: u32) -> impl Iterator<Item = (u32, &str)> {
        let from = self.by_number.range(number..);
        from.map(|(number, name)| (*number, name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_gets_the_lowest_free_number() {
        let stored = [("2", "two"), ("4000000000", "far"), ("0", "zero"), ("x", "none")];
        let stored = stored.map(|(number, name)| (number.into(), name.into()));
        let mut numbers = WorkerNumbers::read(stored.into());
        assert_eq!([numbers.add("a"), numbers.add("b"), numbers.add("c")], [1, 3, 4]);
        for gone in [3, 1, 4_000_000_000, 0, 77] {
            numbers.remove(gone);
        }
        assert_eq!([numbers.add("d"), numbers.add("e"), numbers.add("f")], [1, 3, 5]);
        let all: Vec<u32> = numbers.from(0).map(|(number, _)| number).collect();
        assert_eq!(all, [1, 2, 3, 4, 5]);
        assert_eq!((numbers.number("e"), numbers.name(3)), (Some(3), Some("e")));
    }
}
