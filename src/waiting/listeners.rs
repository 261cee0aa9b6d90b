//! Clients that wait for the ends of tasks, in one line per task.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::Ticket;
use crate::names::{ByName, Id, Name};

/// Queue → task → the clients that wait for its end, in the order they came. No line is empty.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    lines: ByName<BTreeMap<Id, BTreeSet<Ticket>>>,
}

impl Listeners {
    /// Puts a client in the lines of these tasks.
    pub(crate) fn add(&mut self, queue: &Name, ids: &[Id], ticket: Ticket) {
        let lines = self.lines.entry(queue.clone()).or_default();
        for id in ids {
            lines.entry(id.clone()).or_default().insert(ticket);
        }
    }

    /// Takes a client out of the lines of these tasks.
    pub(crate) fn remove(&mut self, queue: &Name, ids: &[Id], ticket: Ticket) {
        let Some(lines) = self.lines.get_mut(queue) else {
            return;
        };
        for id in ids {
            if let Some(line) = lines.get_mut(id) {
                line.remove(&ticket);
                if line.is_empty() {
                    lines.remove(id);
                }
            }
        }
        if lines.is_empty() {
            self.lines.remove(queue);
        }
    }

    /// Takes the whole line of a task.
    pub(crate) fn take(&mut self, queue: &Name, id: &[u8]) -> BTreeSet<Ticket> {
        let Some(lines) = self.lines.get_mut(queue) else {
            return BTreeSet::new();
        };
        let line = lines.remove(id).unwrap_or_default();
        if lines.is_empty() {
            self.lines.remove(queue);
        }
        line
    }

    /// Whether anybody waits for the end of this task.
    pub(crate) fn has(&self, queue: &Name, id: &[u8]) -> bool {
        // Called at the end of every task, when mostly nobody waits for any.
        !self.lines.is_empty() && self.lines.get(queue).is_some_and(|lines| lines.contains_key(id))
    }

    /// Whether anybody waits for the end of any task of the queue.
    pub(crate) fn any(&self, queue: &Name) -> bool {
        self.lines.contains_key(queue)
    }

    /// Up to `count` tasks of the queue whose end somebody waits for, beyond `after`, in the order of their ids.
    pub(crate) fn tasks(&self, queue: &Name, after: Option<&Id>, count: usize) -> Vec<Id> {
        let start = after.map_or(Unbounded, Excluded);
        let lines = self.lines.get(queue).into_iter();
        let lines = lines.flat_map(|lines| lines.range::<Id, _>((start, Unbounded)));
        lines.take(count).map(|(id, _)| id.clone()).collect()
    }

    /// The clients that wait for the end of any task of the queue; one that waits for several comes up several times.
    pub(crate) fn all(&self, queue: &Name) -> impl Iterator<Item = Ticket> {
        let lines = self.lines.get(queue).into_iter().flat_map(BTreeMap::values);
        lines.flatten().copied()
    }

    /// The queues of all tasks whose end somebody waits for.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &Name> {
        self.lines.keys()
    }
}
