//! Tasks that are done and kept: as a record of what became of them, with their result, and so that a producer that
//! sends one again is told.

use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::record::{RETAINED, Record, State};
use crate::task::{addressed, ending, extra};
use crate::time::Ms;
use crate::unit::Unit;

/// Tasks one step removes because their time is over.
const REMOVED: usize = 100;

/// How long this task is kept when it is done, ms; 0: not at all.
pub fn time(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, settings: &Settings) -> Ms {
    let own = if record.has(RETAINED) {
        extra::options(unit.keys, name, id, record).retain
    } else {
        None
    };
    own.unwrap_or_else(|| settings.retain(&unit.env.settings))
}

/// Nothing, when what is written to keep a task has its types.
pub fn expect(unit: &mut Unit<'_>, name: &Name, id: &[u8]) -> Answer<()> {
    unit.keys.expect(name.index(Index::Done), Type::SortedSet)?;
    unit.keys.expect(name.extra(id), Type::Hash)
}

/// Keeps a task that is done for that long. Its fence becomes the moment it was done: no claim has it any more.
pub fn keep(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    result: Option<&[u8]>,
    time: Ms,
) -> Answer<()> {
    addressed::forget(unit, name, id, record);
    record.state = State::Done;
    record.attempts += 1;
    record.worker = 0;
    record.lease = 0;
    record.fence = unit.next_fence(record.fence);
    if let Some(result) = result {
        extra::put(unit, name, id, record, extra::RESULT, result)?;
    }
    unit.keys.set_start(name.task(id), &record.write())?;
    let until = unit.env.wall.after(time);
    unit.keys.zadd(name.index(Index::Done), &[(until.0, id)])?;
    unit.memory.queue(name).maybe_done = true;
    unit.memory.agenda.at_wall(name, until);
    Ok(())
}

/// Removes the tasks whose time is over, a hundred at most. Whether more are to go.
pub fn trim(unit: &mut Unit<'_>, name: &Name, _: &Settings) -> Answer<bool> {
    if !unit.memory.queue(name).maybe_done {
        return Ok(false);
    }
    let done = name.index(Index::Done);
    let over = unit.keys.zlowest(done, unit.env.wall.0, REMOVED)?;
    for (_, id) in &over {
        ending::erase(unit, name, id)?;
    }
    if !over.is_empty() {
        unit.keys.zrem_lowest(done, over.len())?;
    }
    unit.memory.queue(name).maybe_done = unit.keys.zcard(done)? > 0;
    Ok(over.len() == REMOVED)
}

/// When the next task was kept long enough, wall ms.
pub fn next(unit: &mut Unit<'_>, name: &Name) -> Answer<Option<Ms>> {
    if !unit.memory.queue(name).maybe_done {
        return Ok(None);
    }
    let first = unit.keys.zlowest(name.index(Index::Done), i64::MAX, 1)?;
    Ok(first.first().map(|(until, _)| *until))
}
