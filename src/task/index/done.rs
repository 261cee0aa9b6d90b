//! Tasks that are done and kept: as a record of what became of them, with their result, and so that a producer that
//! sends one again is told.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::header::{RETAINED, Record, TaskState};
use crate::task::index::targeted;
use crate::task::{lifecycle, options};
use crate::time::Ms;
use crate::tx::Tx;

/// Tasks one step removes because their time is over.
const REMOVED: usize = 100;

/// How long this task is kept when it is done, ms; 0: not at all.
pub(crate) fn time(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record, settings: &QueueSettings) -> Ms {
    let own = if record.has(RETAINED) {
        options::options(tx.keys, name, id, record).retain
    } else {
        None
    };
    own.unwrap_or_else(|| settings.retain(&tx.context.config))
}

/// Nothing, when what is written to keep a task has its types.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, id: &[u8]) -> Result<()> {
    tx.keys.ensure_type(name.index(Index::Done))?;
    tx.keys.ensure_type(name.options(id))
}

/// Keeps a task that is done for that long. Its fence becomes the moment it was done: no claim has it any more.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    result: Option<&[u8]>,
    time: Ms,
) -> Result<()> {
    targeted::forget(tx, name, id, record);
    record.state = TaskState::Done;
    record.attempts += 1;
    record.worker = 0;
    record.lease = 0;
    record.fence = tx.next_fence(record.fence);
    if let Some(result) = result {
        options::put(tx, name, id, record, options::RESULT, result)?;
    }
    tx.keys.set_start(name.task(id), &record.write())?;
    let until = tx.context.wall.after(time);
    tx.keys.zadd(name.index(Index::Done), &[(until.0, id)])?;
    tx.state.queue(name).maybe_done = true;
    tx.state.wakeups.at_wall(name, until);
    Ok(())
}

/// Removes the tasks whose time is over, a hundred at most. Whether more are to go.
pub(crate) fn trim(tx: &mut Tx<'_>, name: &Name, _: &QueueSettings) -> Result<bool> {
    if !tx.state.queue(name).maybe_done {
        return Ok(false);
    }
    let done = name.index(Index::Done);
    let over = tx.keys.zlowest(done, tx.context.wall.0, REMOVED)?;
    for (_, id) in &over {
        lifecycle::erase(tx, name, id)?;
    }
    if !over.is_empty() {
        tx.keys.zrem_lowest(done, over.len())?;
    }
    tx.state.queue(name).maybe_done = tx.keys.zcard(done)? > 0;
    Ok(over.len() == REMOVED)
}

/// When the next task was kept long enough, wall ms.
pub(crate) fn next(tx: &mut Tx<'_>, name: &Name) -> Result<Option<Ms>> {
    if !tx.state.queue(name).maybe_done {
        return Ok(None);
    }
    let first = tx.keys.zlowest(name.index(Index::Done), i64::MAX, 1)?;
    Ok(first.first().map(|(until, _)| *until))
}
