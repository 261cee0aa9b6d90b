//! Tasks whose time may have come and that must not run yet: they wait for their turn in their group (`group`) or for
//! the ends of others (`after`). `task:{q}:blocked` has all of them; nothing but an end sets one free, so that no claim
//! and no timer has to look for them.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::header::{Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::index::{dependencies, expiry, group};
use crate::task::{self, lifecycle};
use crate::tx::Tx;

/// Blocked tasks that are looked at in one slice.
const LOOKED_AT: usize = 64;

/// The task, whose record the caller writes, is blocked from now on.
pub(crate) fn block(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<()> {
    record.state = TaskState::Blocked;
    // Its time to be claimed in begins when it is ready.
    expiry::forget(tx, name, id, record);
    let since = tx.context.wall;
    tx.keys.zadd(name.index(Index::Blocked), &[(since.0, id)])?;
    tx.state.queue(name).maybe_blocked = true;
    Ok(())
}

/// Nothing, when all that a blocked task writes to go on has its types.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<()> {
    let group = group::of(tx, name, id, record);
    ensure_types_in(tx, name, record, group.as_deref())
}

/// The same for a task whose group the caller knows.
pub(crate) fn ensure_types_in(tx: &mut Tx<'_>, name: &Name, record: &Record, group: Option<&str>) -> Result<()> {
    tx.keys.ensure_type(name.index(Index::Blocked))?;
    tx.keys.ensure_type(name.index(Index::Scheduled))?;
    expiry::ensure_types(tx, name, record)?;
    if record.ghosts != 0 {
        tx.keys.ensure_type(name.queue())?;
    }
    lifecycle::ensure_enqueue_types_in(tx, name, record, group)
}

/// Nothing is in the way of the task any more: it waits for its due time, or arrives. One whose due time has passed
/// counts as due now.
pub(crate) fn go_on(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    settings: &QueueSettings,
) -> Result<()> {
    tx.keys.zrem(name.index(Index::Blocked), &[id])?;
    record.due = record.due.max(tx.context.wall);
    lifecycle::wait(tx, name, id, record, Some(record.due), End::Tail, settings)?;
    Ok(())
}

/// Has the tick look at all blocked tasks: some may be free to go on.
pub(crate) fn look_again(tx: &mut Tx<'_>, name: &Name) {
    tx.state.queue(name).review = Some((i64::MIN, Vec::new()));
    tx.state.wakeups.now(name);
}

/// Looks at blocked tasks after others may have changed what they wait for, or the limit of groups was raised. Whether
/// there are more.
pub(crate) fn review(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let queue = tx.state.queue(name);
    if !queue.maybe_blocked {
        queue.review = None;
        return Ok(false);
    }
    let Some(after) = queue.review.take() else {
        return Ok(false);
    };
    let members = tx
        .keys
        .zwalk(name.index(Index::Blocked), Some(&after), false, LOOKED_AT)?;
    for member in &members {
        if let Err(error) = look_at(tx, name, member, settings) {
            tx.state.skip_foreign(name, &format!("a blocked task: {error}"));
        }
    }
    let queue = tx.state.queue(name);
    if members.len() == LOOKED_AT {
        queue.review = members.last().cloned();
    } else if members.is_empty() {
        queue.maybe_blocked = tx.keys.zcard(name.index(Index::Blocked))? > 0;
    }
    Ok(members.len() == LOOKED_AT)
}

fn look_at(tx: &mut Tx<'_>, name: &Name, (_, id): &Scored, settings: &QueueSettings) -> Result<()> {
    let record = ready::look(tx, name, id).filter(|record| record.state == TaskState::Blocked);
    let Some(record) = record.filter(|record| task::exists(record, settings)) else {
        tx.state
            .skip_foreign(name, "an id in the blocked set that is no blocked task");
        tx.keys.zrem(name.index(Index::Blocked), &[id])?;
        return Ok(());
    };
    if dependencies::waits(tx, name, id).is_some() {
        dependencies::look_at(tx, name, id, record, settings)
    } else {
        group::look_at(tx, name, id, &record, settings)
    }
}
