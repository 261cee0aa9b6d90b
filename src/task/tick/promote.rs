//! Tasks whose time has come.

use crate::keyspace::Answer;
use crate::names::{Index, Name, PRIORITIES};
use crate::settings::Settings;
use crate::task::new::SPECIAL;
use crate::task::record::{ADDRESSED, Record, State};
use crate::task::tick::RETRY;
use crate::task::{self, addressed, arrive, blocked, group, ready};
use crate::time::Wall;
use crate::unit::Unit;

/// Tasks that become ready in one slice: larger batches save nothing more.
const PROMOTED: usize = 128;

/// Makes due tasks ready, in the order of their due times; those of a group that has no turn for them are blocked.
pub fn promote(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let scheduled = name.index(Index::Scheduled);
    let now = unit.env.wall;
    let due = unit.keys.zlowest(scheduled, now.0, PROMOTED)?;
    if due.is_empty() {
        return Ok(false);
    }
    ready::expect_counts(unit, name, settings)?;
    let mut tasks: Vec<(&[u8], Record)> = Vec::with_capacity(due.len());
    let mut lists = 0_u16;
    for (_, id) in &due {
        match ready::look(unit, name, id) {
            Some(record) if record.state == State::Waiting && task::exists(&record, settings) => {
                lists |= 1 << record.priority;
                tasks.push((id, record));
            }
            _ => unit
                .memory
                .skip_foreign(name, "an id in the scheduled set that is no waiting task"),
        }
    }
    let priorities = || (0..PRIORITIES).filter(|priority| lists & (1 << priority) != 0);
    for priority in priorities() {
        ready::expect(unit, name, priority)?;
    }

    let stuck: Vec<&[u8]> = (tasks.iter().filter(|(_, record)| record.has(SPECIAL)))
        .filter(|(id, record)| arrive::expect(unit, name, id, record).is_err())
        .map(|(id, _)| *id)
        .collect();

    unit.keys.zrem_lowest(scheduled, due.len())?;
    if !stuck.is_empty() {
        // A key that they need is of another type: they wait for its repair, and nobody waits for them.
        unit.memory
            .skip_foreign(name, "a key of another type that a due task needs");
        tasks.retain(|(id, _)| !stuck.contains(id));
        let again: Vec<(i64, &[u8])> = stuck.iter().map(|id| (now.after(RETRY).0, *id)).collect();
        unit.keys.zadd(scheduled, &again)?;
    }
    let mut plain = Vec::with_capacity(tasks.len());
    for (id, mut record) in tasks {
        if !record.has(SPECIAL) || goes_to_list(unit, name, id, &mut record, settings)? {
            plain.push((id, record));
        }
    }
    for priority in priorities() {
        let mut pushed: Vec<&[u8]> = Vec::with_capacity(plain.len());
        for (id, record) in plain.iter_mut().filter(|(_, record)| record.priority == priority) {
            if record.is_stale(priority) {
                if !ready::reuses_place(unit, name, record)? {
                    pushed.push(id);
                }
                unit.keys.set_start(name.task(id), &record.write())?;
            } else {
                pushed.push(id);
            }
        }
        if !pushed.is_empty() {
            unit.keys.rpush(name.ready(priority), &pushed)?;
        }
    }
    for same in due.chunk_by(|(one, _), (other, _)| one == other) {
        let late = same.first().map_or(0, |(due, _)| now.since(Wall(*due)));
        unit.memory.late(name, late, same.len() as u64);
    }
    let queue = unit.memory.queue(name);
    queue.maybe_ready |= lists;
    queue.used = unit.env.steady;
    Ok(due.len() == PROMOTED)
}

/// Whether a task that is special in some way goes to the ready list of its priority as others do. Otherwise it is
/// where it belongs.
fn goes_to_list(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record, settings: &Settings) -> Answer<bool> {
    let group = group::of(unit, name, id, record);
    if let Some(group) = group
        && !group::take_turn(unit, name, id, &group, settings)?
    {
        blocked::block(unit, name, id, record)?;
    } else if !record.has(ADDRESSED) {
        return Ok(true);
    } else if addressed::push(unit, name, id, record)? {
        return Ok(false);
    }
    unit.keys.set_start(name.task(id), &record.write())?;
    Ok(record.state == State::Waiting)
}
