//! What follows from the ends of tasks, at the end of the transaction that ended them. Not before: a task that is about to
//! end may still look like one that waits, and a loop over tasks must not meet those that it set free.

use crate::task::dispatch::serve;
use crate::task::index::{dependencies, group};
use crate::tx::Tx;

/// Sets free what waited for the tasks that ended in this transaction, and serves the queues in which something became ready.
pub(crate) fn settle(tx: &mut Tx<'_>) {
    set_free(tx);
    if !tx.state.to_serve.is_empty() {
        for queue in std::mem::take(&mut tx.state.to_serve) {
            serve::serve(tx, &queue);
        }
    }
}

/// Sets free what waited for the tasks that ended so far; serves nobody.
pub(crate) fn set_free(tx: &mut Tx<'_>) {
    dependencies::settle(tx);
    // Looked at before it is taken: most transactions have nothing there, and taking a set costs more.
    if !tx.state.turns.is_empty() {
        group::settle(tx);
    }
}
