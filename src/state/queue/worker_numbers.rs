//! The numbers that stand for workers in the headers of tasks.

use std::collections::BTreeMap;

/// The numbers that stand for workers in the headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerNumbers {
    by_name: BTreeMap<String, u32>,
    by_number: BTreeMap<u32, String>,
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
    /// The lowest free number from 1 on; 0 in a header stands for no worker.
    pub(crate) fn free(&self) -> u32 {
        let mut free = 1;
        for &taken in self.by_number.keys() {
            if taken == free {
                free += 1;
            } else if taken > free {
                break;
            }
        }
        free
    }
    /// Adds a worker.
    pub(crate) fn insert(&mut self, number: u32, name: String) {
        self.by_name.insert(name.clone(), number);
        self.by_number.insert(number, name);
    }
    /// Forgets a worker.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(name) = self.by_number.remove(&number) {
            self.by_name.remove(&name);
        }
    }
    /// All numbers, ascending.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, &str)> {
        self.by_number.iter().map(|(number, name)| (*number, name.as_str()))
    }
}
