//! The stream of a queue: one entry for everything that went wrong with its tasks or was decided for the user. A task
//! that simply succeeds leaves none.

use crate::error::{Error, Result};
use crate::names::Part;
use crate::task::handle::Queue;

/// One event. Every entry has all fields; one that says nothing is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// dead, lost, cancelled, expired, skipped, missed or unreplied.
    pub kind: &'static str,
    /// The task, or the name of the recurring task.
    pub id: &'a [u8],
    /// The worker that held it.
    pub worker: &'a str,
    /// The attempt that ended; 0 when it never ran.
    pub attempt: u64,
    /// Why: for a lost claim lease, disconnect or member; for a dead task attempts, lost or failed; for one whose
    /// REPLY queue could not be told the error's code and that queue; for a skipped occurrence overlap or unreadable;
    /// for missed ones how many were left out.
    pub reason: &'a str,
}

/// Errors with `WrongType` unless the stream may be written or no events are kept.
pub(crate) fn ensure_types(queue: &mut Queue<'_>) -> Result<()> {
    if queue.settings.numbers.events(&queue.context.config) == 0 {
        return Ok(());
    }
    queue.keys.ensure_type(queue.name.of_queue(Part::TaskEvents))
}

/// Adds an entry to the stream, unless the queue keeps no events.
pub(crate) fn emit(queue: &mut Queue<'_>, event: &Event<'_>) -> Result<()> {
    let most = queue.settings.numbers.events(&queue.context.config);
    if most == 0 {
        return Ok(());
    }
    let attempt = if event.attempt == 0 {
        String::new()
    } else {
        event.attempt.to_string()
    };
    let fields: [(&[u8], &[u8]); 5] = [
        (b"type", event.kind.as_bytes()),
        (b"id", event.id),
        (b"worker", event.worker.as_bytes()),
        (b"attempt", attempt.as_bytes()),
        (b"reason", event.reason.as_bytes()),
    ];
    let stream = queue.name.of_queue(Part::TaskEvents);
    match queue.keys.xadd(stream, None, &fields, most) {
        Err(Error::Internal) => {
            // Somebody used up the ids of the stream: the task ends all the same.
            queue.log_skip("a stream of events that takes no more");
            Ok(())
        }
        added => added.map(|_| ()),
    }
}
