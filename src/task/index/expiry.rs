//! Tasks that are dropped when nobody claims them in time (EXPIRE). `task:{q}:expiring` has those that wait, with
//! the moment; they leave it when they are claimed.

use crate::error::Result;
use crate::names::{Name, Part};
use crate::task::header::{EXPIRES, Record};
use crate::task::options;
use crate::time::Wall;
use crate::tx::Tx;

/// Nothing, when what this task needs of the set may be written; else `WrongType`.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, record: &Record) -> Result<()> {
    if !record.has(EXPIRES) {
        return Ok(());
    }
    tx.keys.ensure_type(name.of_queue(Part::Expiring))
}

/// The task is, or becomes, ready at `ready`: from then on its time runs.
pub(crate) fn note(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record, ready: Wall) -> Result<()> {
    if !record.has(EXPIRES) {
        return Ok(());
    }
    // Options that somebody edited away let it live.
    let Some(ms) = options::options(tx.keys, name, id, record).expire else {
        return Ok(());
    };
    at(tx, name, &[id], ready.after(ms.max(0)))
}

/// These tasks are dropped at that moment unless somebody claims them.
pub(crate) fn at(tx: &mut Tx<'_>, name: &Name, ids: &[&[u8]], when: Wall) -> Result<()> {
    let members: Vec<(i64, &[u8])> = ids.iter().map(|id| (when.0, *id)).collect();
    tx.keys.zadd(name.of_queue(Part::Expiring), &members)?;
    tx.state.queue(name).maybe_expiring = true;
    tx.state.wakeups.at_wall(name, when);
    Ok(())
}

/// The task was claimed, or is no more. In a key of another type there is nothing of it.
pub(crate) fn forget(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    if record.has(EXPIRES) {
        let _ = tx.keys.zrem(name.of_queue(Part::Expiring), &[id]);
    }
}
