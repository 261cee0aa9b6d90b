//! Claims: `task:{q}:claimed`, score = when the lease ends, steady ms of the process that wrote it; and in memory
//! the claims by worker, and those whose tasks were cancelled.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::state::State;
use crate::task::handle::{Queue, Task};
use crate::task::header::{CANCELLED, Header};
use crate::task::kind;
use crate::time::Ms;

/// Errors with `WrongType` unless the set may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Claimed))
}

/// Removes a claim that is over from the set.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    queue.keys.zrem(queue.name.index(Index::Claimed), &[&task.id])?;
    Ok(())
}

/// Restarts the lease of a claim, with this length.
pub(crate) fn extend(queue: &mut Queue<'_>, task: &Task, lease: Ms) -> Result<()> {
    let deadline = queue.context.steady.after(lease);
    let claimed = queue.name.index(Index::Claimed);
    queue.keys.zadd(claimed, &[(deadline.0, &task.id)])?;
    queue.wake_at_steady(deadline);
    Ok(())
}

/// Removes a claim that is over from memory. Returns whether it was bound to a connection.
pub(crate) fn forget(queue: &mut Queue<'_>, task: &Task) -> bool {
    kind::count(queue, task, |kind| kind.running = kind.running.saturating_sub(1));
    forget_claim(queue.state, &queue.name, &task.header)
}

/// The same, of a task without a kind, in a queue that is not open.
pub(crate) fn forget_claim(state: &mut State, name: &Name, header: &Header) -> bool {
    let Some(memory) = state.known_queue_mut(name) else {
        return false;
    };
    let is_last_cancelled = header.has(CANCELLED) && memory.cancelled.remove(header.fence);
    memory.successors.ended(header.fence);
    let held = memory.claims.remove(header.worker, header.fence);
    let connection = held.and_then(|held| held.connection);
    if let Some(connection) = connection {
        state.unbind(connection, header.fence);
    }
    if is_last_cancelled {
        state.cancelling.remove(name);
    }
    connection.is_some()
}

/// Remembers that a claimed task was cancelled, for the beats of its worker.
pub(crate) fn note_cancelled(queue: &mut Queue<'_>, task: &Task) {
    // If the key of the workers has another type, the worker is unknown.
    if let Ok(Some(worker)) = queue.worker_name(task.header.worker) {
        queue.state.cancelling.insert(queue.name.clone());
        let cancelled = &mut queue.memory().cancelled;
        cancelled.insert(&worker, task.header.fence, task.id.clone());
    }
}
