//! What is told of a queue's tasks: one entry of its stream for everything that went wrong or was decided for the
//! user. A task that simply succeeds is not told.

use crate::error::{Error, Result};
use crate::names::{Name, Part};
use crate::settings::QueueSettings;
use crate::tx::Tx;

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

/// Nothing, when the stream may be written, or no event is kept; else `WrongType`.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<()> {
    if settings.events(&tx.context.config) == 0 {
        return Ok(());
    }
    tx.keys.ensure_type(name.of_queue(Part::TaskEvents))
}

/// Adds an entry to the stream; nothing when the queue keeps no events.
pub(crate) fn tell(tx: &mut Tx<'_>, name: &Name, event: &Event<'_>, settings: &QueueSettings) -> Result<()> {
    let most = settings.events(&tx.context.config);
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
    match tx.keys.xadd(name.of_queue(Part::TaskEvents), None, &fields, most) {
        Err(Error::Internal) => {
            // Somebody used up the ids of the stream: the task ends all the same.
            tx.state.skip_foreign(name, "a stream of events that takes no more");
            Ok(())
        }
        told => told.map(|_| ()),
    }
}
