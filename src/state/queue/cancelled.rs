//! Which claimed tasks were cancelled.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::names::Id;

/// Claims whose tasks were cancelled meanwhile; every beat of their workers lists them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancelled {
    by_token: BTreeMap<u64, Rc<str>>,
    by_worker: BTreeMap<Rc<str>, BTreeMap<u64, Id>>,
}

impl Cancelled {
    /// Records that the task of a claim was cancelled.
    pub(crate) fn insert(&mut self, worker: &str, token: u64, id: Id) {
        let worker: Rc<str> = worker.into();
        self.by_token.insert(token, worker.clone());
        self.by_worker.entry(worker).or_default().insert(token, id);
    }
    /// Forgets a claim that has ended. Whether none is left.
    pub(crate) fn remove(&mut self, token: u64) -> bool {
        if let Some(worker) = self.by_token.remove(&token)
            && let Some(claims) = self.by_worker.get_mut(&worker)
        {
            claims.remove(&token);
            if claims.is_empty() {
                self.by_worker.remove(&worker);
            }
        }
        self.by_token.is_empty()
    }
    /// The cancelled tasks that a worker still has claimed, in claim order.
    pub(crate) fn of(&self, worker: &str) -> impl Iterator<Item = &Id> {
        self.by_worker.get(worker).into_iter().flat_map(BTreeMap::values)
    }
}
