//! Clients that wait for tasks of a queue, by worker. Kept only for queues that have been asked for it, which those
//! without targeted tasks never are.

use std::collections::{BTreeSet, HashMap};

use super::ticket::Ticket;
use crate::names::{ByName, Name};

/// Queue → worker → tickets.
#[derive(Debug, Default)]
pub(super) struct Workers {
    queues: ByName<HashMap<String, BTreeSet<Ticket>>>,
}

impl Workers {
    /// Whether the clients of this queue are known by their workers.
    pub(super) fn knows(&self, queue: &Name) -> bool {
        self.queues.contains_key(queue)
    }

    /// Adds a queue, with all clients that wait for its tasks now.
    pub(super) fn learn(&mut self, queue: &Name, all: impl Iterator<Item = (Ticket, String)>) {
        let workers = self.queues.entry(queue.clone()).or_default();
        for (ticket, worker) in all {
            workers.entry(worker).or_default().insert(ticket);
        }
    }

    /// Adds a client of this worker.
    pub(super) fn join(&mut self, queue: &Name, worker: &str, ticket: Ticket) {
        if let Some(workers) = self.queues.get_mut(queue) {
            workers.entry(worker.to_string()).or_default().insert(ticket);
        }
    }

    /// Removes a client; with the last one of a queue, the queue.
    pub(super) fn leave(&mut self, queue: &Name, worker: &str, ticket: Ticket) {
        let Some(workers) = self.queues.get_mut(queue) else {
            return;
        };
        if let Some(tickets) = workers.get_mut(worker) {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                workers.remove(worker);
            }
        }
        if workers.is_empty() {
            self.queues.remove(queue);
        }
    }

    /// The clients of this worker.
    pub(super) fn of(&self, queue: &Name, worker: &str) -> Option<&BTreeSet<Ticket>> {
        self.queues.get(queue)?.get(worker)
    }
}
