//! The claims that TASK.ACK NEXT made, by the claim that it acknowledged: a client whose reply was lost sends it again,
//! and nobody else knows the token of the next claim. One is kept as long as the next claim lives.

use std::collections::HashMap;

use crate::names::Id;

/// A claim: its task and its token.
type Claim = (Id, u64);

/// Token of the acknowledged claim → its task, and the next claim.
#[derive(Debug, Default)]
pub(crate) struct Successors {
    next: HashMap<u64, (Id, Claim)>,
    /// Token of the next claim → token of the acknowledged one.
    acked: HashMap<u64, u64>,
}

impl Successors {
    /// The acknowledgement of one claim has made the next one.
    pub(crate) fn insert(&mut self, acked: Claim, next: Claim) {
        self.acked.insert(next.1, acked.1);
        self.next.insert(acked.1, (acked.0, next));
    }

    /// The claim that the acknowledgement of this one made.
    pub(crate) fn get(&self, id: &[u8], token: u64) -> Option<&Claim> {
        let (acked, next) = self.next.get(&token)?;
        (acked.as_slice() == id).then_some(next)
    }

    /// A claim has ended.
    pub(crate) fn ended(&mut self, token: u64) {
        // Called at the end of every claim, and most were not made by NEXT.
        if !self.acked.is_empty()
            && let Some(acked) = self.acked.remove(&token)
        {
            self.next.remove(&acked);
        }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        assert_eq!(self.next.len(), self.acked.len());
        self.next.len()
    }
}
