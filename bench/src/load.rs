//! Requests over many connections at once, and with them the steps of many tasks' lives.

use crate::Result;
use crate::connection::{Connection, Reply};
use crate::recipes::{Claim, Recipe};

/// Requests of one connection that are sent before the first reply is read.
pub const PIPELINE: usize = 16;

/// What sends the requests of a recipe.
pub struct Load<'a> {
    /// Its commands.
    pub recipe: &'a dyn Recipe,
    /// They take turns.
    pub clients: &'a mut [Connection],
    /// Requests of one connection that are sent before the first reply is read.
    pub depth: usize,
}

impl<'a> Load<'a> {
    /// With the usual pipeline.
    pub fn new(recipe: &'a dyn Recipe, clients: &'a mut [Connection]) -> Load<'a> {
        Load {
            recipe,
            clients,
            depth: PIPELINE,
        }
    }

    /// Adds that many tasks.
    pub fn schedule(&mut self, tasks: usize, delay_ms: u32) -> Result<()> {
        let write = |out: &mut Vec<u8>, _| self.recipe.schedule(out, delay_ms);
        drive(self.clients, self.depth, tasks, write, |_| ())
    }

    /// Claims that many tasks, `count` a request.
    pub fn claim(&mut self, tasks: usize, count: usize) -> Result<Vec<Claim>> {
        let mut claims = Vec::with_capacity(tasks);
        let write = |out: &mut Vec<u8>, _| self.recipe.claim(out, count);
        drive(self.clients, self.depth, tasks.div_ceil(count), write, |reply| {
            claims.extend(self.recipe.claims(&reply))
        })?;
        match claims.len() {
            claimed if claimed == tasks => Ok(claims),
            claimed => Err(format!("of {tasks} tasks {claimed} were claimed").into()),
        }
    }

    /// Acknowledges these, `count` a request.
    pub fn acknowledge(&mut self, claims: &[Claim], count: usize) -> Result<()> {
        let mut batches = claims.chunks(count);
        let requests = batches.len();
        let write = |out: &mut Vec<u8>, _| self.recipe.acknowledge(out, batches.next().unwrap_or_default());
        drive(self.clients, self.depth, requests, write, |_| ())
    }
}

/// Sends `total` requests over all connections, `depth` at a time on each, and hands every reply to `read`.
/// `write` appends a request, given its number, and returns how many replies it gets.
pub fn drive(
    clients: &mut [Connection],
    depth: usize,
    total: usize,
    mut write: impl FnMut(&mut Vec<u8>, usize) -> usize,
    mut read: impl FnMut(Reply),
) -> Result<()> {
    let mut requests = 0..total;
    let mut out = Vec::new();
    while !requests.is_empty() {
        let mut due = Vec::with_capacity(clients.len());
        for client in clients.iter_mut() {
            out.clear();
            due.push(
                requests
                    .by_ref()
                    .take(depth)
                    .map(|number| write(&mut out, number))
                    .sum(),
            );
            client.send(&out)?;
        }
        for (client, replies) in clients.iter_mut().zip(due) {
            for _ in 0..replies {
                read(client.receive()?);
            }
        }
    }
    Ok(())
}
