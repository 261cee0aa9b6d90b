//! A task that is sent again, with the id that it has.

use crate::error::{Error, Result};
use crate::task::handle::{Queue, Task};
use crate::task::header::{HEADER_LEN, TaskState};

/// Whether the task of an id was sent before.
pub(crate) enum Sent {
    /// It is there, with this payload: there is nothing to do.
    Before,
    /// There is none, but perhaps a record that an earlier one left.
    Never(Option<Task>),
}

/// Looks for a task with this id and payload that is on its way or was acknowledged. Errors with `Duplicate` if the task
/// that has the id is another one, or did not succeed.
pub(crate) fn find(queue: &mut Queue<'_>, id: &[u8], payload: &[u8]) -> Result<Sent> {
    match queue.leftover(id) {
        Err(Error::Duplicate(..)) if succeeds(queue, id)? && has_payload(queue, id, payload)? => Ok(Sent::Before),
        old => old.map(Sent::Never),
    }
}

/// Sending again counts as a write: a client that waits for replicas then waits for the task.
pub(crate) fn confirm(queue: &mut Queue<'_>) {
    queue.keys.touch(&queue.name);
}

fn succeeds(queue: &mut Queue<'_>, id: &[u8]) -> Result<bool> {
    let task = queue.find(id)?;
    Ok(task.is_some_and(|task| task.is_live() && !task.is_cancelled() || task.header.state == TaskState::Done))
}

fn has_payload(queue: &mut Queue<'_>, id: &[u8], payload: &[u8]) -> Result<bool> {
    let value = queue.keys.get(queue.name.task(id))?.unwrap_or_default();
    Ok(value.get(HEADER_LEN..) == Some(payload))
}
