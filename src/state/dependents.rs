//! Which queues have tasks that wait for tasks of other queues (AFTER ... IN): when somebody else changes a key of
//! these, the blocked tasks of those are checked again. A check adds what it finds, as a new task does.

use std::collections::BTreeSet;

use crate::names::{ByName, Name};

/// Both ways. No set is empty.
#[derive(Debug, Default)]
pub(crate) struct Dependents {
    /// The queues that wait for one.
    waiting: ByName<BTreeSet<Name>>,
    /// The queues for which one waits.
    awaited: ByName<BTreeSet<Name>>,
}

impl Dependents {
    /// Tasks of one queue wait for tasks of another.
    pub(crate) fn add(&mut self, awaited: &Name, waiting: &Name) {
        self.waiting.entry(awaited.clone()).or_default().insert(waiting.clone());
        self.awaited.entry(waiting.clone()).or_default().insert(awaited.clone());
    }

    /// The queues that wait for this one, until they are added again.
    pub(crate) fn take(&mut self, awaited: &Name) -> BTreeSet<Name> {
        cut(&mut self.waiting, &mut self.awaited, awaited)
    }

    /// A queue waits for no other.
    pub(crate) fn leave(&mut self, waiting: &Name) {
        cut(&mut self.awaited, &mut self.waiting, waiting);
    }
}

/// Takes the set of a name, and the name out of the sets of those.
fn cut(sets: &mut ByName<BTreeSet<Name>>, others: &mut ByName<BTreeSet<Name>>, name: &Name) -> BTreeSet<Name> {
    let taken = sets.remove(name).unwrap_or_default();
    for other in &taken {
        if let Some(names) = others.get_mut(other) {
            names.remove(name);
            if names.is_empty() {
                others.remove(other);
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_queues_that_wait_no_more() {
        let name = |text: &str| Name::new(0, text.as_bytes()).unwrap();
        let mut dependents = Dependents::default();
        for (awaited, waiting) in [("a", "x"), ("a", "y"), ("b", "x"), ("b", "x")] {
            dependents.add(&name(awaited), &name(waiting));
        }
        assert_eq!(dependents.take(&name("a")), BTreeSet::from([name("x"), name("y")]));
        assert!(dependents.take(&name("a")).is_empty());
        dependents.leave(&name("y"));
        dependents.leave(&name("x"));
        assert!(dependents.waiting.is_empty() && dependents.awaited.is_empty());
    }
}
