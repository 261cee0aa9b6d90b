//! Clients that wait for a task: first come, first served, whatever the number of clients or queues.

use std::collections::{BTreeSet, HashMap};

use crate::names::{ByName, Id, Name};
use crate::reply::Reply;
use crate::time::Ms;

/// Arrival number of a waiting client; smaller came first.
pub type Ticket = u64;

/// What a claimer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The worker that will hold the claims.
    pub worker: String,
    /// Most tasks.
    pub count: usize,
    /// The lease, ms; it wins over the task's and the queue's.
    pub lease: Option<Ms>,
    /// The connection the claims are bound to.
    pub bind: Option<u64>,
    /// Whether each task is shown in full.
    pub full: bool,
    /// Whether each task's map starts with its queue.
    pub named: bool,
}

/// A client that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The queues, in the order they were given.
    pub names: Vec<Name>,
    /// What it wants of the first that has something.
    pub want: Want,
    /// How long it waits.
    pub patience: Patience,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// That long, in ms.
    For(Ms),
    /// Until it gets something.
    Forever,
    /// Only until the sweep has shown whether anything lives behind the cancelled ids.
    Sweep,
}

/// A claim handed to a waiting client. Should the client turn out to be gone, it is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The queue of the task.
    pub name: Name,
    /// The task.
    pub id: Id,
    /// The fencing token of the claim.
    pub token: u64,
}

/// The end of a wait: what the client is told, and the claims that go with it.
#[derive(Debug)]
pub struct Answered {
    /// Whose wait it was.
    pub ticket: Ticket,
    /// What it is told.
    pub reply: Reply,
    /// What it holds from now on.
    pub handed: Vec<Handed>,
}

/// All waiting clients.
#[derive(Debug, Default)]
pub struct Waiting {
    last: Ticket,
    waiters: HashMap<Ticket, Waiter>,
    lines: ByName<BTreeSet<Ticket>>,
    /// Those that wait only for the sweep; few, and never for long.
    impatient: BTreeSet<Ticket>,
    answered: Vec<Answered>,
}

impl Waiting {
    /// Puts a client at the end of the line of each of its queues.
    pub fn join(&mut self, waiter: Waiter) -> Ticket {
        self.last += 1;
        for name in &waiter.names {
            self.lines.entry(name.clone()).or_default().insert(self.last);
        }
        if waiter.patience == Patience::Sweep {
            self.impatient.insert(self.last);
        }
        self.waiters.insert(self.last, waiter);
        self.last
    }

    /// Takes a client out of every line: it was served, gave up or went away.
    pub fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.impatient.remove(&ticket);
        for name in &waiter.names {
            if let Some(line) = self.lines.get_mut(name) {
                line.remove(&ticket);
                if line.is_empty() {
                    self.lines.remove(name);
                }
            }
        }
        Some(waiter)
    }

    /// The client that has waited longest in `name`'s line.
    pub fn first(&self, name: &Name) -> Option<(Ticket, &Waiter)> {
        let ticket = *self.lines.get(name)?.first()?;
        self.waiters.get(&ticket).map(|waiter| (ticket, waiter))
    }

    /// Whether anybody waits in `name`'s line.
    pub fn any(&self, name: &Name) -> bool {
        self.lines.contains_key(name)
    }

    /// How many wait in `name`'s line.
    pub fn count(&self, name: &Name) -> usize {
        self.lines.get(name).map_or(0, BTreeSet::len)
    }

    /// How many wait in all.
    pub fn total(&self) -> usize {
        self.waiters.len()
    }

    /// The clients of `name`'s line that wait only for the sweep.
    pub fn impatient(&self, name: &Name) -> Vec<Ticket> {
        self.impatient
            .iter()
            .copied()
            .filter(|ticket| {
                self.waiters
                    .get(ticket)
                    .is_some_and(|waiter| waiter.names.contains(name))
            })
            .collect()
    }

    /// The queues a client waits for.
    pub fn names_of(&self, ticket: Ticket) -> Vec<Name> {
        self.waiters
            .get(&ticket)
            .map(|waiter| waiter.names.clone())
            .unwrap_or_default()
    }

    /// Ends a client's wait; the edge delivers the answer when the unit is over.
    pub fn answer(&mut self, ticket: Ticket, reply: Reply, handed: Vec<Handed>) {
        self.leave(ticket);
        self.answered.push(Answered { ticket, reply, handed });
    }

    /// The answers of this unit, to be delivered.
    pub fn take_answered(&mut self) -> Vec<Answered> {
        std::mem::take(&mut self.answered)
    }

    /// The names that have a line.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.lines.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(names: &[&str]) -> Waiter {
        Waiter {
            names: names
                .iter()
                .map(|name| Name::new(0, name.as_bytes()).unwrap())
                .collect(),
            want: Want {
                worker: "w".into(),
                count: 1,
                lease: None,
                bind: None,
                full: false,
                named: false,
            },
            patience: Patience::Forever,
        }
    }

    #[test]
    fn one_client_stands_in_many_lines_and_leaves_them_all() {
        let mut waiting = Waiting::default();
        let (a, b) = (Name::new(0, b"a").unwrap(), Name::new(0, b"b").unwrap());
        let first = waiting.join(waiter(&["a", "b"]));
        let second = waiting.join(waiter(&["b"]));
        assert_eq!(waiting.first(&b).map(|(ticket, _)| ticket), Some(first));
        waiting.answer(first, Reply::Null, Vec::new());
        assert!(!waiting.any(&a));
        assert_eq!(waiting.first(&b).map(|(ticket, _)| ticket), Some(second));
        assert_eq!(waiting.take_answered().len(), 1);
        assert_eq!(waiting.total(), 1);
    }
}
