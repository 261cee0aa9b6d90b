//! The table of blocked clients: the domain knows them by ticket, the server by handle.

use std::collections::{BTreeSet, HashMap};

use redis_module::raw::RedisModuleBlockedClient as Handle;

use crate::time::{Ms, Steady};
use crate::waiting::Ticket;

/// All blocked clients.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    clients: HashMap<Ticket, Client>,
    tickets: HashMap<*mut Handle, Ticket>,
    deadlines: BTreeSet<(Steady, Ticket)>,
}

/// A blocked client.
#[derive(Debug)]
pub(super) struct Client {
    /// The server's handle.
    pub handle: *mut Handle,
    /// When its wait times out, if ever.
    pub deadline: Option<Steady>,
}

impl Blocked {
    /// Adds a client.
    pub(super) fn add(&mut self, ticket: Ticket, client: Client) {
        if let Some(deadline) = client.deadline {
            self.deadlines.insert((deadline, ticket));
        }
        self.tickets.insert(client.handle, ticket);
        self.clients.insert(ticket, client);
    }

    /// Removes a client.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<*mut Handle> {
        let client = self.clients.remove(&ticket)?;
        if let Some(deadline) = client.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        self.tickets.remove(&client.handle);
        Some(client.handle)
    }

    /// Removes the client of this handle.
    pub(super) fn remove_handle(&mut self, handle: *mut Handle) -> Option<Ticket> {
        let ticket = *self.tickets.get(&handle)?;
        self.remove(ticket).map(|_| ticket)
    }

    /// Removes a client whose wait has timed out.
    pub(super) fn remove_overdue(&mut self, now: Steady) -> Option<(Ticket, *mut Handle)> {
        let &(_, ticket) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        self.remove(ticket).map(|handle| (ticket, handle))
    }

    /// How long until the next wait times out.
    pub(super) fn next_deadline(&self, now: Steady) -> Option<Ms> {
        self.deadlines.first().map(|(deadline, _)| deadline.since(now).max(0))
    }

    /// How many clients are blocked.
    pub(super) fn count(&self) -> usize {
        self.clients.len()
    }
}
