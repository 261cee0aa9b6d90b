//! What is left of a queue that is not used any more: its stream of events, and numbers of workers.

use crate::error::Result;
use crate::names::{Index, Part};
use crate::task::handle::Queue;
use crate::task::history;
use crate::time::{Ms, Wall};

/// Removes the stream when nothing else is left of the queue and the last event is longer ago than `events-retain`.
pub(super) fn remove_events(queue: &mut Queue<'_>) -> Result<bool> {
    let events = queue.name.of_queue(Part::TaskEvents);
    let last = queue.keys.last_entry(events)?.map(|(ms, _)| ms);
    let last = last.or_else(|| queue.keys.exists(events).then_some(0));
    let last = last.map(|ms| Wall(Ms::try_from(ms).unwrap_or(Ms::MAX)));
    let retain = queue.context.config.events_retain;
    let is_old = last.is_some_and(|last| last.after(retain) <= queue.context.wall);
    if is_old && !is_used(queue) {
        queue.keys.del(queue.name.of_queue(Part::TaskEvents));
        queue.keys.del(queue.name.workers());
        let memory = queue.memory();
        (memory.last_event, memory.workers) = (None, None);
    } else {
        queue.memory().last_event = last;
    }
    Ok(false)
}

/// Whether there is a task, a setting or a client that waits.
fn is_used(queue: &mut Queue<'_>) -> bool {
    let is_kept = |part: &Part| !matches!(part, Part::TaskEvents | Part::Workers) && !history::PARTS.contains(part);
    queue.state.waiting.any(&queue.name)
        || Index::ALL
            .iter()
            .any(|index| queue.keys.exists(queue.name.index(*index)))
        || Part::once_per_queue()
            .filter(is_kept)
            .any(|part| queue.keys.exists(queue.name.of_queue(part)))
}

/// When that is checked next: what keeps the queue in use may end without an event.
pub(super) fn next(queue: &mut Queue<'_>) -> Option<Ms> {
    let (now, retain) = (queue.context.wall, queue.context.config.events_retain);
    let over = queue.memory().last_event?.after(retain);
    Some(if over > now { over } else { now.after(retain) }.0)
}
