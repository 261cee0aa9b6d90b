//! Tasks that are dropped when nobody claims them in time (EXPIRE). `task:{q}:expiring` has those that wait, with
//! the moment; they leave it when they are claimed.

use crate::keyspace::{Answer, Type};
use crate::names::{Name, Part};
use crate::task::extra;
use crate::task::record::{EXPIRES, Record};
use crate::time::Wall;
use crate::unit::Unit;

/// Nothing, when what this task needs of the set may be written; else `WrongType`.
pub fn expect(unit: &mut Unit<'_>, name: &Name, record: &Record) -> Answer<()> {
    if !record.has(EXPIRES) {
        return Ok(());
    }
    unit.keys.expect(name.of_queue(Part::Expiring), Type::SortedSet)
}

/// The task is, or becomes, ready at `ready`: from then on its time runs.
pub fn note(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, ready: Wall) -> Answer<()> {
    if !record.has(EXPIRES) {
        return Ok(());
    }
    // Options that somebody edited away let it live.
    let Some(ms) = extra::options(unit.keys, name, id, record).expire else {
        return Ok(());
    };
    at(unit, name, &[id], ready.after(ms.max(0)))
}

/// These tasks are dropped at that moment unless somebody claims them.
pub fn at(unit: &mut Unit<'_>, name: &Name, ids: &[&[u8]], when: Wall) -> Answer<()> {
    let members: Vec<(i64, &[u8])> = ids.iter().map(|id| (when.0, *id)).collect();
    unit.keys.zadd(name.of_queue(Part::Expiring), &members)?;
    unit.memory.queue(name).maybe_expiring = true;
    unit.memory.agenda.at_wall(name, when);
    Ok(())
}

/// The task was claimed, or is no more. In a key of another type there is nothing of it.
pub fn forget(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) {
    if record.has(EXPIRES) {
        let _ = unit.keys.zrem(name.of_queue(Part::Expiring), &[id]);
    }
}
