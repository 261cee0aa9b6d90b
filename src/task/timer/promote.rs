//! Tasks whose time has come.

use crate::error::Result;
use crate::names::{Index, Name, PRIORITIES};
use crate::settings::QueueSettings;
use crate::task::header::{ADDRESSED, Record, TaskState};
use crate::task::index::{blocked, group, ready, targeted};
use crate::task::new_task::SPECIAL;
use crate::task::timer::RETRY;
use crate::task::{self, lifecycle};
use crate::time::Wall;
use crate::tx::Tx;

/// Tasks that become ready in one slice: larger batches save nothing more.
const PROMOTED: usize = 128;

/// Makes due tasks ready, in the order of their due times; those of a group that has no turn for them are blocked.
pub(super) fn promote(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let scheduled = name.index(Index::Scheduled);
    let now = tx.context.wall;
    let due = tx.keys.zlowest(scheduled, now.0, PROMOTED)?;
    if due.is_empty() {
        return Ok(false);
    }
    ready::ensure_ghost_counts(tx, name, settings)?;
    let mut tasks: Vec<(&[u8], Record)> = Vec::with_capacity(due.len());
    let mut lists = 0_u16;
    for (_, id) in &due {
        match ready::look(tx, name, id) {
            Some(record) if record.state == TaskState::Waiting && task::exists(&record, settings) => {
                lists |= 1 << record.priority;
                tasks.push((id, record));
            }
            _ => tx
                .state
                .skip_foreign(name, "an id in the scheduled set that is no waiting task"),
        }
    }
    let priorities = || (0..PRIORITIES).filter(|priority| lists & (1 << priority) != 0);
    for priority in priorities() {
        ready::ensure_types(tx, name, priority)?;
    }

    let stuck: Vec<&[u8]> = (tasks.iter().filter(|(_, record)| record.has(SPECIAL)))
        .filter(|(id, record)| lifecycle::ensure_enqueue_types(tx, name, id, record).is_err())
        .map(|(id, _)| *id)
        .collect();

    tx.keys.zrem_lowest(scheduled, due.len())?;
    if !stuck.is_empty() {
        // A key that they need is of another type: they wait for its repair, and nobody waits for them.
        tx.state
            .skip_foreign(name, "a key of another type that a due task needs");
        tasks.retain(|(id, _)| !stuck.contains(id));
        let again: Vec<(i64, &[u8])> = stuck.iter().map(|id| (now.after(RETRY).0, *id)).collect();
        tx.keys.zadd(scheduled, &again)?;
    }
    let mut plain = Vec::with_capacity(tasks.len());
    for (id, mut record) in tasks {
        if !record.has(SPECIAL) || goes_to_list(tx, name, id, &mut record, settings)? {
            plain.push((id, record));
        }
    }
    for priority in priorities() {
        let mut pushed: Vec<&[u8]> = Vec::with_capacity(plain.len());
        for (id, record) in plain.iter_mut().filter(|(_, record)| record.priority == priority) {
            if record.is_ghost(priority) {
                if !ready::reuses_place(tx, name, record)? {
                    pushed.push(id);
                }
                tx.keys.set_start(name.task(id), &record.write())?;
            } else {
                pushed.push(id);
            }
        }
        if !pushed.is_empty() {
            tx.keys.rpush(name.ready(priority), &pushed)?;
        }
    }
    for same in due.chunk_by(|(one, _), (other, _)| one == other) {
        let late = same.first().map_or(0, |(due, _)| now.since(Wall(*due)));
        tx.state.late(name, late, same.len() as u64);
    }
    let queue = tx.state.queue(name);
    queue.maybe_ready |= lists;
    queue.used = tx.context.steady;
    Ok(due.len() == PROMOTED)
}

/// Whether a task that is special in some way goes to the ready list of its priority as others do. Otherwise it is
/// where it belongs.
fn goes_to_list(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    settings: &QueueSettings,
) -> Result<bool> {
    let group = group::of(tx, name, id, record);
    if let Some(group) = group
        && !group::take_turn(tx, name, id, &group, settings)?
    {
        blocked::block(tx, name, id, record)?;
    } else if !record.has(ADDRESSED) {
        return Ok(true);
    } else if targeted::push(tx, name, id, record)? {
        return Ok(false);
    }
    tx.keys.set_start(name.task(id), &record.write())?;
    Ok(record.state == TaskState::Waiting)
}
