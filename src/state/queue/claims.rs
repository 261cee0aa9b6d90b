//! Which worker has claimed what in a queue.

use std::collections::BTreeMap;

use crate::names::{Id, Name};

/// A claim, as far as memory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The task.
    pub id: Id,
    /// The connection the claim is bound to.
    pub connection: Option<u64>,
}

/// Worker number → token → claim. Tokens grow, so a worker's claims are in claim order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    by_worker: BTreeMap<u32, BTreeMap<u64, Held>>,
}

impl Claims {
    /// Adds a claim; one that is known stays as it is.
    pub(crate) fn insert(&mut self, worker: u32, token: u64, held: Held) {
        self.by_worker.entry(worker).or_default().entry(token).or_insert(held);
    }
    /// Binds a claim to a connection, or unbinds it; whether there is such a claim.
    pub(crate) fn tie(&mut self, worker: u32, token: u64, connection: Option<u64>) -> bool {
        let claims = self.by_worker.get_mut(&worker);
        let held = claims.and_then(|claims| claims.get_mut(&token));
        held.map(|held| held.connection = connection).is_some()
    }
    /// A claim.
    pub(crate) fn get(&self, worker: u32, token: u64) -> Option<&Held> {
        self.by_worker.get(&worker)?.get(&token)
    }
    /// Forgets a claim that has ended.
    pub(crate) fn remove(&mut self, worker: u32, token: u64) -> Option<Held> {
        let claims = self.by_worker.get_mut(&worker)?;
        let held = claims.remove(&token);
        if claims.is_empty() {
            self.by_worker.remove(&worker);
        }
        held
    }
    /// Every worker with claims: how many, and the token of the oldest.
    pub(crate) fn summary(&self) -> impl Iterator<Item = (u32, (usize, u64))> {
        self.by_worker.iter().map(|(worker, claims)| {
            let oldest = claims.keys().next().copied().unwrap_or(0);
            (*worker, (claims.len(), oldest))
        })
    }
    /// The worker's claims with tokens smaller than this, the oldest first.
    pub(crate) fn below(&self, worker: u32, token: u64) -> impl Iterator<Item = (u64, &Held)> {
        let claims = self.by_worker.get(&worker).into_iter();
        let claims = claims.flat_map(move |claims| claims.range(..token));
        claims.map(|(token, held)| (*token, held))
    }
    /// How many claims the worker has.
    pub(crate) fn count(&self, worker: u32) -> usize {
        self.by_worker.get(&worker).map_or(0, BTreeMap::len)
    }
    /// Whether there are no claims.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_worker.is_empty()
    }
}

/// A claim that is bound to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundClaim {
    /// The queue of the task.
    pub queue: Name,
    /// The task.
    pub id: Id,
    /// The number of its worker.
    pub worker: u32,
}
