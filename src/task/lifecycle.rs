//! Every way a claim or a task ends.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::Loss;
use crate::task::events::{self, Event};
use crate::task::header::{ADDRESSED, CANCELLED, EXPIRES, EXTRA, Record, TaskState, UNIQUE};
use crate::task::index::ready::{self, End};
use crate::task::index::{blocked, dependencies, expiry, group, targeted, unique};
use crate::task::{self, options, outcome};
use crate::time::Wall;
use crate::tx::Tx;

/// Dead tasks one step removes to keep within the limits.
const TRIM: usize = 100;

/// Where a task went when its claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewState {
    /// It waits for its due time.
    Scheduled,
    /// It may be claimed again.
    Ready,
    /// It waits for its turn in its group.
    Blocked,
    /// It is among the dead.
    Dead,
    /// It had been cancelled and is gone.
    Cancelled,
}

/// How a task came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// It was acknowledged, perhaps with a result.
    Done(Option<&'a [u8]>),
    /// No attempts were left, or it was lost too often; with the reason.
    Dead(&'static str),
    /// It was not wanted any more; with the reason, empty when somebody said so.
    Cancelled(&'a str),
    /// Nobody claimed it in time.
    Expired,
}

/// A task came to its end: all that hangs on it follows in the same transaction. Its record is still there, perhaps with
/// fewer flags, and the caller writes or removes it afterwards.
pub(crate) fn conclude(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    how: Outcome<'_>,
    settings: &QueueSettings,
) -> Result<()> {
    if record.state != TaskState::Claimed || !matches!(how, Outcome::Cancelled(_)) {
        // The key and the turn of a cancelled task stay taken until its claim ends.
        unique::free(tx, name, id, record);
        group::leave(tx, name, id, record);
    }
    dependencies::ended(tx, name, id, record, matches!(how, Outcome::Done(_)));
    outcome::tell(tx, name, id, record, how, settings);
    let (kind, reason, attempt) = match how {
        Outcome::Done(_) => return Ok(()),
        Outcome::Dead(reason) => ("dead", reason, record.attempts),
        Outcome::Cancelled(reason) => ("cancelled", reason, record.attempt()),
        Outcome::Expired => ("expired", "", record.attempts),
    };
    tell(tx, name, id, record, (kind, attempt, reason), settings)
}

/// An event about a task: its kind, the attempt that ended, and why.
fn tell(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    (kind, attempt, reason): (&'static str, u64, &str),
    settings: &QueueSettings,
) -> Result<()> {
    let worker = match record.worker {
        0 => None,
        number => task::worker_name(tx, name, number).unwrap_or(None),
    };
    let event = Event {
        kind,
        id,
        worker: worker.as_deref().unwrap_or_default(),
        attempt,
        reason,
    };
    events::tell(tx, name, &event, settings)
}

/// Nothing, when all keys that the end of a claim may write have their types.
pub(crate) fn ensure_end_types(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    settings: &QueueSettings,
) -> Result<()> {
    for index in [Index::Claimed, Index::Scheduled, Index::Dead] {
        tx.keys.ensure_type(name.index(index))?;
    }
    tx.keys.ensure_type(name.options(id))?;
    if record.ghosts != 0 {
        tx.keys.ensure_type(name.queue())?;
    }
    expiry::ensure_types(tx, name, record)?;
    events::ensure_types(tx, name, settings)?;
    ensure_enqueue_types(tx, name, id, record)
}

/// Removes a task. While a ready list still has its id, its bare header stays, invisible to every command.
pub(crate) fn remove(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<()> {
    unique::free(tx, name, id, record);
    group::leave(tx, name, id, record);
    targeted::forget(tx, name, id, record);
    dependencies::unlink(tx, name, id, record);
    dependencies::ended(tx, name, id, record, false);
    expiry::forget(tx, name, id, record);
    record.flags &= !(UNIQUE | EXPIRES | ADDRESSED);
    outcome::gone(tx, name, id);
    if record.has(EXTRA) {
        tx.keys.del(name.options(id));
        record.flags &= !EXTRA;
    }
    if record.ghosts == 0 {
        tx.keys.del(name.task(id));
        return Ok(());
    }
    record.state = TaskState::Removed;
    tx.keys.set(name.task(id), &record.write(), b"")
}

/// The claim is over: it leaves the claimed set, its worker's list and its connection. Whether it was bound.
pub(crate) fn unclaim(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<bool> {
    tx.keys.zrem(name.index(Index::Claimed), &[id])?;
    Ok(forget_claim(tx, name, record))
}

/// The claim leaves its worker's list and its connection; whether it was bound to one.
fn forget_claim(tx: &mut Tx<'_>, name: &Name, record: &Record) -> bool {
    let Some(queue) = tx.state.known_queue_mut(name) else {
        return false;
    };
    if record.has(CANCELLED) {
        queue.cancelled.remove(record.fence);
    }
    let held = queue.claims.remove(record.worker, record.fence);
    let connection = held.and_then(|held| held.connection);
    if let Some(connection) = connection {
        tx.state.unbind(connection, record.fence);
    }
    connection.is_some()
}

/// A task that waits or is blocked leaves the set or the list in which it stands. The caller has checked all keys, and
/// writes or removes the record.
pub(crate) fn take_out(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<()> {
    if record.state == TaskState::Blocked {
        tx.keys.zrem(name.index(Index::Blocked), &[id])?;
    } else if tx.keys.zrem(name.index(Index::Scheduled), &[id])? == 0 {
        ready::leave(tx, name, id, record)?;
    }
    Ok(())
}

/// Puts a task that is not claimed any more where it waits for `due`, or ready at that end of its list.
///
/// How long it has until somebody must have claimed it begins anew.
pub(crate) fn wait(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    end: End,
    settings: &QueueSettings,
) -> Result<NewState> {
    record.state = TaskState::Waiting;
    record.worker = 0;
    record.lease = 0;
    let now = tx.context.wall;
    expiry::note(tx, name, id, record, due.unwrap_or(now).max(now))?;
    let went = match due.filter(|due| *due > tx.context.wall) {
        Some(due) => {
            record.due = due;
            tx.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
            tx.state.wakeups.at_wall(name, due);
            NewState::Scheduled
        }
        None => enqueue(tx, name, id, record, end, settings)?,
    };
    tx.keys.set_start(name.task(id), &record.write())?;
    Ok(went)
}

/// Puts a task among the dead and keeps their number within the limit.
pub(crate) fn bury(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    why: &'static str,
    settings: &QueueSettings,
) -> Result<NewState> {
    conclude(tx, name, id, record, Outcome::Dead(why), settings)?;
    record.state = TaskState::Dead;
    record.worker = 0;
    record.lease = 0;
    tx.keys.set_start(name.task(id), &record.write())?;
    let died = tx.context.wall;
    tx.keys.zadd(name.index(Index::Dead), &[(died.0, id)])?;
    tx.state.totals.dead += 1;
    tx.state.queue(name).totals.dead += 1;
    tx.state
        .wakeups
        .at_wall(name, died.after(settings.dead_retain(&tx.context.config)));
    trim_dead(tx, name, settings)?;
    Ok(NewState::Dead)
}

/// Removes dead tasks beyond `dead-limit` and `dead-retain`, the oldest first, a hundred at most. Whether
/// more are to go.
pub(crate) fn trim_dead(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let dead = name.index(Index::Dead);
    let surplus = tx
        .keys
        .zcard(dead)?
        .saturating_sub(settings.dead_limit(&tx.context.config));
    let expired = tx.context.wall.0 - settings.dead_retain(&tx.context.config);
    let mut oldest = tx.keys.zlowest(dead, i64::MAX, surplus.min(TRIM))?;
    if oldest.len() < TRIM {
        let old = tx.keys.zlowest(dead, expired, TRIM)?;
        if old.len() > oldest.len() {
            oldest = old;
        }
    }
    for (_, id) in &oldest {
        erase(tx, name, id)?;
    }
    tx.keys.zrem_lowest(dead, oldest.len())?;
    if oldest.len() == TRIM {
        tx.state.wakeups.now(name);
    }
    Ok(oldest.len() == TRIM)
}

/// Removes the record of an id that leaves an index, if it is a task of ours.
pub(crate) fn erase(tx: &mut Tx<'_>, name: &Name, id: &[u8]) -> Result<()> {
    match ready::look(tx, name, id) {
        Some(mut record) => remove(tx, name, id, &mut record),
        None => {
            tx.state.skip_foreign(name, "an id without a record");
            Ok(())
        }
    }
}

/// A claim is lost: the lease ran out, the connection closed or the worker died. It uses up an attempt, and is told.
/// The task goes to the head of its list, or to the dead when it was lost too often. The caller has taken it out
/// of the claimed set, and serves.
pub(crate) fn lose(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    why: Loss,
    settings: &QueueSettings,
) -> Result<NewState> {
    let event = ("lost", record.attempt(), why.word());
    tell(tx, name, id, record, event, settings)?;
    forget_claim(tx, name, record);
    tx.state.totals.lost += 1;
    tx.state.queue(name).totals.lost += 1;
    if record.has(CANCELLED) {
        remove(tx, name, id, record)?;
        return Ok(NewState::Cancelled);
    }
    record.attempts += 1;
    record.lost += 1;
    let options = options::options(tx.keys, name, id, record);
    let most = options::attempts(tx, &options, settings);
    if record.lost > settings.max_lost(&tx.context.config) {
        return bury(tx, name, id, record, "lost", settings);
    }
    if record.attempts >= most {
        return bury(tx, name, id, record, "attempts", settings);
    }
    wait(tx, name, id, record, None, End::Head, settings)
}

/// A claim is given back: no attempt used. The task goes to the head of its list, or waits for `due`. The caller has
/// taken it out of the claimed set, and serves.
pub(crate) fn give_back(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    settings: &QueueSettings,
) -> Result<NewState> {
    forget_claim(tx, name, record);
    if record.has(CANCELLED) {
        remove(tx, name, id, record)?;
        return Ok(NewState::Cancelled);
    }
    wait(tx, name, id, record, due, End::Head, settings)
}

/// Makes a waiting task ready, or blocked. The caller writes the header afterwards.
pub(crate) fn enqueue(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    end: End,
    settings: &QueueSettings,
) -> Result<NewState> {
    let group = group::of(tx, name, id, record);
    enqueue_in(tx, name, id, record, group.as_deref(), end, settings)
}

/// The same for a task whose group the caller knows.
pub(crate) fn enqueue_in(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    group: Option<&str>,
    end: End,
    settings: &QueueSettings,
) -> Result<NewState> {
    if let Some(group) = group
        && !group::take_turn(tx, name, id, group, settings)?
    {
        blocked::block(tx, name, id, record)?;
        return Ok(NewState::Blocked);
    }
    ready::push(tx, name, id, record, end)?;
    Ok(NewState::Ready)
}

/// Nothing, when all that an arrival writes has its types.
pub(crate) fn ensure_enqueue_types(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<()> {
    let group = group::of(tx, name, id, record);
    ensure_enqueue_types_in(tx, name, record, group.as_deref())
}

/// The same for a task whose group the caller knows.
pub(crate) fn ensure_enqueue_types_in(
    tx: &mut Tx<'_>,
    name: &Name,
    record: &Record,
    group: Option<&str>,
) -> Result<()> {
    if let Some(group) = group {
        group::ensure_types(tx, name, group)?;
    }
    if record.has(ADDRESSED) {
        targeted::ensure_types_ready(tx, name)?;
    }
    ready::ensure_types(tx, name, record.priority)
}
