//! Claims: `task:{q}:claimed`, score = when the lease ends, steady ms of the process that wrote it; and in memory who
//! holds what, and which of it was cancelled.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::{Queue, Task};
use crate::time::Ms;

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Claimed))
}

/// Takes a claim that is over out of the set.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    queue.keys.zrem(queue.name.index(Index::Claimed), &[&task.id])?;
    Ok(())
}

/// The lease of a claim begins anew, with this length.
pub(crate) fn extend(queue: &mut Queue<'_>, task: &Task, lease: Ms) -> Result<()> {
    let deadline = queue.context.steady.after(lease);
    let claimed = queue.name.index(Index::Claimed);
    queue.keys.zadd(claimed, &[(deadline.0, &task.id)])?;
    queue.state.wakeups.at_steady(&queue.name, deadline);
    Ok(())
}

/// A claim that is over leaves its worker's list and its connection; whether it was bound to one.
pub(crate) fn forget(queue: &mut Queue<'_>, task: &Task) -> bool {
    let header = &task.header;
    let Some(memory) = queue.state.known_queue_mut(&queue.name) else {
        return false;
    };
    if task.is_cancelled() {
        memory.cancelled.remove(header.fence);
    }
    let held = memory.claims.remove(header.worker, header.fence);
    let connection = held.and_then(|held| held.connection);
    if let Some(connection) = connection {
        queue.state.unbind(connection, header.fence);
    }
    connection.is_some()
}

/// Remembers that a claimed task was cancelled, for the beats of its worker.
pub(crate) fn note_cancelled(queue: &mut Queue<'_>, task: &Task) {
    // A foreign value in the place of the workers: nobody can be told.
    if let Ok(Some(worker)) = queue.worker_name(task.header.worker) {
        let cancelled = &mut queue.memory().cancelled;
        cancelled.insert(&worker, task.header.fence, task.id.clone());
    }
}
