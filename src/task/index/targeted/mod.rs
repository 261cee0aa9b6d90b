//! TO: a task that only one worker may claim, until that worker's membership ends.
//!
//! A ready task for one worker stands in no ready list but in `task:{q}:targeted`. `task:{q}:to:<worker>` has all
//! tasks of that worker that are not done: those that are ready in the order in which it gets them, the others before
//! them, so that neither a claim nor the end of the worker has to look for any. A flag of the header says that the
//! address holds; without it a task is like any other (`void`).

mod mine;
pub(crate) mod untarget;

pub(crate) use mine::Mine;

use std::collections::BTreeSet;

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::header::{ADDRESSED, Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::{self, options};
use crate::time::Ms;
use crate::tx::Tx;

/// Score of a worker's tasks that are not ready.
const ELSEWHERE: Ms = -1;
/// The ready ones of a priority begin with this score times the priority: no moment is larger.
const PRIORITY: Ms = 1 << 43;
/// What stands before all that are ready.
const BEFORE_READY: Scored = (0, Vec::new());
/// Ready tasks that are looked at in one slice.
const LOOKED_AT: usize = 64;

/// The worker a task is for; none when somebody edited it away.
pub(crate) fn worker(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Option<String> {
    if !record.has(ADDRESSED) {
        return None;
    }
    options::options(tx.keys, name, id, record).to
}

/// The same unless that worker's membership ended since the task was given to it.
pub(crate) fn holds(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    settings: &QueueSettings,
) -> Option<String> {
    worker(tx, name, id, record).filter(|worker| !settings.is_orphan(worker, record.fence))
}

/// Nothing, when all that a new task for this worker writes has its types.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, worker: &str) -> Result<()> {
    tx.keys.ensure_type(name.to(worker))?;
    ensure_types_ready(tx, name)
}

/// Nothing, when the set of ready tasks for one worker may be written; else `WrongType`.
pub(crate) fn ensure_types_ready(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.index(Index::Targeted))
}

/// The task, which is not ready, is among those of its worker.
pub(crate) fn join(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<()> {
    match worker(tx, name, id, record) {
        Some(worker) => tx.keys.zadd(name.to(&worker), &[(ELSEWHERE, id)]),
        None => Ok(()),
    }
}

/// Makes a waiting task ready for its worker alone. Otherwise, as its address does not hold any more, the header says
/// so from now on, and the task is to go to its list. The caller writes the header.
pub(crate) fn push(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<bool> {
    let Some(worker) = keep(tx, name, id, record)? else {
        return Ok(false);
    };
    let due = record.due.0;
    tx.keys.zadd(name.index(Index::Targeted), &[(due, id)])?;
    tx.keys.zadd(name.to(&worker), &[(score(record), id)])?;
    owe(tx, name, worker);
    Ok(true)
}

/// A ready task is not ready any more. The caller writes the header.
pub(crate) fn leave(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<()> {
    tx.keys.zrem(name.index(Index::Targeted), &[id])?;
    if let Some(worker) = keep(tx, name, id, record)? {
        tx.keys.zadd(name.to(&worker), &[(ELSEWHERE, id)])?;
    }
    Ok(())
}

/// The task is done, or is no more. In a key of another type there is nothing of it.
pub(crate) fn forget(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    if let Some(worker) = worker(tx, name, id, record) {
        let _ = tx.keys.zrem(name.to(&worker), &[id]);
    }
}

/// The worker of a task whose address holds. One that does not is void from now on: there is none, its membership
/// ended, or somebody made something else of the worker's tasks. Then nobody could find it.
fn keep(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<Option<String>> {
    let settings = task::settings(tx, name)?;
    if let Some(worker) = holds(tx, name, id, record, &settings) {
        if tx.keys.ensure_type(name.to(&worker)).is_ok() {
            return Ok(Some(worker));
        }
        tx.state.skip_foreign(name, "the tasks for one worker, of another type");
    }
    forget(tx, name, id, record);
    record.flags &= !ADDRESSED;
    Ok(None)
}

/// Where a ready task stands among those of its worker: the most urgent first, then by due time.
fn score(record: &Record) -> Ms {
    let due = record.due.0.clamp(0, PRIORITY - 1);
    Ms::from(record.priority) * PRIORITY + due
}

/// Something is ready for this worker: should a client of his wait, he is to get it.
fn owe(tx: &mut Tx<'_>, name: &Name, worker: String) {
    let somebody_waits = tx.state.waiting.count(name) > 0;
    let queue = tx.state.queue(name);
    queue.maybe_targeted = true;
    if somebody_waits {
        queue.owed.insert(worker);
    }
}

/// The worker may not claim now. Should something be ready for him alone, a client of his that waits gets it later.
pub(crate) fn owe_later(tx: &mut Tx<'_>, name: &Name, worker: &str) {
    if let Some(queue) = tx.state.known_queue_mut(name).filter(|queue| queue.maybe_targeted) {
        queue.owed.insert(worker.to_string());
    }
}

/// Whether something may be owed to a worker.
pub(crate) fn owes(tx: &Tx<'_>, name: &Name) -> bool {
    let queue = tx.state.known_queue(name);
    queue.is_some_and(|queue| queue.maybe_targeted && !queue.owed.is_empty())
}

/// The workers to which something may be owed, as far as clients of theirs may wait; they are forgotten.
pub(crate) fn take_owed(tx: &mut Tx<'_>, name: &Name) -> BTreeSet<String> {
    let queue = tx.state.known_queue_mut(name);
    queue.map(|queue| std::mem::take(&mut queue.owed)).unwrap_or_default()
}

/// How many tasks are ready for one worker each.
pub(crate) fn count(tx: &mut Tx<'_>, name: &Name) -> Result<usize> {
    tx.keys.zcard(name.index(Index::Targeted))
}

/// Whether something may be ready for this worker alone. In keys of another type there is nothing.
pub(crate) fn any(tx: &mut Tx<'_>, name: &Name, worker: &str) -> bool {
    if tx.state.known_queue(name).is_some_and(|queue| !queue.maybe_targeted) {
        return false;
    }
    match count(tx, name) {
        Ok(0) => {
            if let Some(queue) = tx.state.known_queue_mut(name) {
                queue.maybe_targeted = false;
            }
            false
        }
        Ok(_) => {
            let first = tx.keys.zwalk(name.to(worker), Some(&BEFORE_READY), false, 1);
            first.is_ok_and(|first| !first.is_empty())
        }
        Err(_) => false,
    }
}

/// Whether an id in the set of ready tasks for one worker counts.
pub(crate) fn counts(record: &Record, settings: &QueueSettings) -> bool {
    record.state == TaskState::Waiting && record.has(ADDRESSED) && task::exists(record, settings)
}

/// Looks at ready tasks after somebody else may have changed their sets, or who may have them: each is to be found by
/// its worker, and by the clients of it that wait. Whether there are more.
pub(crate) fn review(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let queue = tx.state.queue(name);
    let Some(after) = queue.readdress.take().filter(|_| queue.maybe_targeted) else {
        return Ok(false);
    };
    ready::ensure_types_all(tx, name)?;
    let index = name.index(Index::Targeted);
    let members = tx.keys.zwalk(index, Some(&after), false, LOOKED_AT)?;
    for (_, id) in &members {
        let record = ready::look(tx, name, id).filter(|record| counts(record, settings));
        let Some(mut record) = record else {
            tx.state
                .skip_foreign(name, "an id that is ready for one worker and no such task");
            tx.keys.zrem(index, &[id])?;
            continue;
        };
        // Should its worker's membership end, that is to have a larger number.
        tx.saw_fence(record.fence);
        match keep(tx, name, id, &mut record)? {
            Some(worker) => {
                let place = score(&record);
                if tx.keys.zscore(name.to(&worker), id)? != Some(place) {
                    tx.keys.zadd(name.to(&worker), &[(place, id)])?;
                }
                owe(tx, name, worker);
            }
            None => {
                tx.keys.zrem(index, &[id])?;
                ready::push(tx, name, id, &mut record, End::Tail)?;
                tx.keys.set_start(name.task(id), &record.write())?;
            }
        }
    }
    let queue = tx.state.queue(name);
    if members.len() == LOOKED_AT {
        queue.readdress = members.last().cloned();
    } else if members.is_empty() {
        queue.maybe_targeted = tx.keys.zcard(index)? > 0;
    }
    Ok(members.len() == LOOKED_AT)
}
