//! The kinds of tasks that a queue has: their numbers in the headers and their names.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Prefix of the fields of the settings hash; then the number. The value is the name.
const KIND: &str = "kind:";
/// Most kinds that have a number.
const MOST: u16 = 1_000;
/// The number of all others: their names are in the options of the tasks.
pub(crate) const OTHER: u16 = MOST + 1;

/// The table of kinds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kinds {
    names: BTreeMap<u16, Rc<str>>,
    numbers: BTreeMap<Rc<str>, u16>,
}

impl Kinds {
    /// Takes a field of the settings hash, if it is one of a kind; whether it is.
    pub(super) fn read(&mut self, field: &str, name: &str) -> bool {
        let Some(number) = field.strip_prefix(KIND) else {
            return false;
        };
        let number = number.parse().ok().filter(|number| (1..=MOST).contains(number));
        if let Some(number) = number.filter(|_| !name.is_empty()) {
            self.insert(number, name);
        }
        true
    }

    /// The name of a number.
    pub(crate) fn name(&self, number: u16) -> Option<&Rc<str>> {
        self.names.get(&number)
    }

    /// The number of a name.
    pub(crate) fn number(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// The smallest number that is free, if there is one.
    pub(crate) fn free(&self) -> Option<u16> {
        (1..=MOST).find(|number| !self.names.contains_key(number))
    }

    /// Whether none is free.
    pub(crate) fn is_full(&self) -> bool {
        self.names.len() == usize::from(MOST)
    }

    /// Gives a number to a name. Of two numbers that somebody gave to one name, both mean it.
    pub(crate) fn insert(&mut self, number: u16, name: &str) {
        let name: Rc<str> = name.into();
        self.names.insert(number, name.clone());
        self.numbers.insert(name, number);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Frees a number.
    pub(crate) fn remove(&mut self, number: u16) {
        if let Some(name) = self.names.remove(&number) {
            self.numbers.remove(&name);
        }
    }

    /// All numbers that have a name.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.names.keys().copied()
    }
}

/// The field of a number.
pub(crate) fn field(number: u16) -> String {
    format!("{KIND}{number}")
}
