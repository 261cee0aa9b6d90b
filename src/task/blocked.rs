//! Tasks whose time may have come and that must not run yet: they wait for their turn in their group (`group`) or for
//! the ends of others (`after`). `task:{q}:blocked` has all of them; nothing but an end sets one free, so that no claim
//! and no timer has to look for them.

use crate::keyspace::{Answer, Scored, Type};
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::ready::End;
use crate::task::record::{Record, State};
use crate::task::{after, arrive, ending, expiring, group, ready};
use crate::unit::Unit;

/// Blocked tasks that are looked at in one slice.
const LOOKED_AT: usize = 64;

/// The task, whose record the caller writes, is blocked from now on.
pub fn block(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record) -> Answer<()> {
    record.state = State::Blocked;
    // Its time to be claimed in begins when it is ready.
    expiring::forget(unit, name, id, record);
    let since = unit.env.wall;
    unit.keys.zadd(name.index(Index::Blocked), &[(since.0, id)])?;
    unit.memory.queue(name).maybe_blocked = true;
    Ok(())
}

/// Nothing, when all that a blocked task writes to go on has its types.
pub fn expect(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Answer<()> {
    let group = group::of(unit, name, id, record);
    expect_in(unit, name, record, group.as_deref())
}

/// The same for a task whose group the caller knows.
pub fn expect_in(unit: &mut Unit<'_>, name: &Name, record: &Record, group: Option<&str>) -> Answer<()> {
    unit.keys.expect(name.index(Index::Blocked), Type::SortedSet)?;
    unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)?;
    expiring::expect(unit, name, record)?;
    if record.stale != 0 {
        unit.keys.expect(name.queue(), Type::Hash)?;
    }
    arrive::expect_in(unit, name, record, group)
}

/// Nothing is in the way of the task any more: it waits for its due time, or arrives. One whose due time has passed
/// counts as due now.
pub fn go_on(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record, settings: &Settings) -> Answer<()> {
    unit.keys.zrem(name.index(Index::Blocked), &[id])?;
    record.due = record.due.max(unit.env.wall);
    ending::wait(unit, name, id, record, Some(record.due), End::Tail, settings)?;
    Ok(())
}

/// Has the tick look at all blocked tasks: some may be free to go on.
pub fn look_again(unit: &mut Unit<'_>, name: &Name) {
    unit.memory.queue(name).review = Some((i64::MIN, Vec::new()));
    unit.memory.agenda.now(name);
}

/// Looks at blocked tasks after others may have changed what they wait for, or the limit of groups was raised. Whether
/// there are more.
pub fn review(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let queue = unit.memory.queue(name);
    if !queue.maybe_blocked {
        queue.review = None;
        return Ok(false);
    }
    let Some(after) = queue.review.take() else {
        return Ok(false);
    };
    let members = unit
        .keys
        .zwalk(name.index(Index::Blocked), Some(&after), false, LOOKED_AT)?;
    for member in &members {
        if let Err(error) = look_at(unit, name, member, settings) {
            unit.memory.skip_foreign(name, &format!("a blocked task: {error}"));
        }
    }
    let queue = unit.memory.queue(name);
    if members.len() == LOOKED_AT {
        queue.review = members.last().cloned();
    } else if members.is_empty() {
        queue.maybe_blocked = unit.keys.zcard(name.index(Index::Blocked))? > 0;
    }
    Ok(members.len() == LOOKED_AT)
}

fn look_at(unit: &mut Unit<'_>, name: &Name, (_, id): &Scored, settings: &Settings) -> Answer<()> {
    let record = ready::look(unit, name, id).filter(|record| record.state == State::Blocked);
    let Some(record) = record.filter(|record| super::exists(record, settings)) else {
        unit.memory
            .skip_foreign(name, "an id in the blocked set that is no blocked task");
        unit.keys.zrem(name.index(Index::Blocked), &[id])?;
        return Ok(());
    };
    if after::waits(unit, name, id).is_some() {
        after::look_at(unit, name, id, record, settings)
    } else {
        group::look_at(unit, name, id, &record, settings)
    }
}
