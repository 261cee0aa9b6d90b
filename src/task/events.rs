//! The event stream of a queue: one entry for everything that went wrong with its tasks or was decided without the
//! user. With the setting `events-level` also for what went well.

use crate::error::{Error, Result};
use crate::names::Part;
use crate::task::handle::Queue;

/// One event. Every entry has all fields; those that do not apply are empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// dead, lost, cancelled, expired, skipped, missed or unreplied; with `events-level` done, claimed, retried or
    /// progress.
    pub kind: &'static str,
    /// The task, or the name of the recurring task.
    pub id: &'a [u8],
    /// The worker that had claimed it.
    pub worker: &'a str,
    /// The attempt that ended; 0 when it never ran.
    pub attempt: u64,
    /// Why. Lost claim: lease, disconnect or member. Dead task: attempts, lost or failed. Reply that could not be
    /// delivered: the error code and the REPLY queue. Skipped occurrence: overlap, full, nomember or unreadable. Missed
    /// occurrences: how many. Retried task: the error. Progress: what EXTEND gave.
    pub reason: &'a str,
    /// The kind of the task.
    pub task_kind: &'a str,
}

/// Errors with `WrongType` unless the key of the stream has the right type or no events are kept.
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
    let fields: [(&[u8], &[u8]); 6] = [
        (b"type", event.kind.as_bytes()),
        (b"id", event.id),
        (b"worker", event.worker.as_bytes()),
        (b"attempt", attempt.as_bytes()),
        (b"reason", event.reason.as_bytes()),
        (b"kind", event.task_kind.as_bytes()),
    ];
    queue.wake_at(queue.context.wall.after(queue.context.config.events_retain));
    let stream = queue.name.of_queue(Part::TaskEvents);
    match queue.keys.xadd(stream, None, &fields, most) {
        Err(Error::Internal) => {
            // Somebody used up the ids of the stream: that must not keep the task from ending.
            queue.log_skip("a stream of events that takes no more");
            Ok(())
        }
        added => added.map(|_| ()),
    }
}
