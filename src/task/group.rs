//! GROUP: of the tasks of one group only so many (`group-limit`) have their turn at a time, in order.
//!
//! `task:{q}:group:<key>` has those whose time has come and that have not ended: with score 0 those whose turn it is,
//! which may be claimed, and behind them the line, by the order in which they came. Who stands in line is blocked. A
//! turn lasts until the task's end, over every failure, release and loss; then the next in line has his. So a ready
//! list never has a task that must not run, and a claim has nothing to look for.

use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::record::{GROUPED, Record, State};
use crate::task::{blocked, extra, ready};
use crate::time::Ms;
use crate::unit::Unit;

#[cfg(test)]
mod tests;

/// Score of those whose turn it is. Places in the line are fences, far larger.
const TURN: i64 = 0;
/// Tasks of one group that get their turn, or are passed over, in one step.
const TURNS: usize = 128;

/// The group of a task; none when somebody edited it away.
pub fn of(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Option<String> {
    if !record.has(GROUPED) {
        return None;
    }
    extra::options(unit.keys, name, id, record).group
}

/// Nothing, when what a task of the group writes to have its turn or to stand in line has its types.
pub fn expect(unit: &mut Unit<'_>, name: &Name, group: &str) -> Answer<()> {
    unit.keys.expect(name.group(group), Type::SortedSet)?;
    unit.keys.expect(name.index(Index::Blocked), Type::SortedSet)
}

/// Whether it is the turn of a task of this group whose time has come. Otherwise it stands in line from now on.
pub fn take_turn(unit: &mut Unit<'_>, name: &Name, id: &[u8], group: &str, settings: &Settings) -> Answer<bool> {
    let key = name.group(group);
    if unit.keys.zscore(key, id)? == Some(TURN) {
        return Ok(true);
    }
    let limit = settings.group_limit(&unit.env.settings);
    let running = unit.keys.zlowest(key, TURN, limit)?.len();
    if running < limit && unit.keys.zcard(key)? == running {
        unit.keys.zadd(key, &[(TURN, id)])?;
        return Ok(true);
    }
    let place = Ms::try_from(unit.next_fence(0)).unwrap_or(Ms::MAX);
    unit.keys.zadd(key, &[(place, id)])?;
    // Should there be room, as one of those whose turn it was is no more, those in front come first.
    unit.memory.turns.insert((name.clone(), group.to_string()));
    Ok(false)
}

/// The task ends: the next one may have its turn, at the end of this unit. In a key of another type there is nothing
/// of it.
pub fn leave(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) {
    let Some(group) = of(unit, name, id, record) else {
        return;
    };
    if unit.keys.zrem(name.group(&group), &[id]).unwrap_or(0) > 0 {
        unit.memory.turns.insert((name.clone(), group));
    }
}

/// Gives the turns that are free in the groups that were touched in this unit. What is more than one step's share is
/// left to the tick.
pub fn settle(unit: &mut Unit<'_>) {
    for (name, group) in std::mem::take(&mut unit.memory.turns) {
        let given = super::settings(unit, &name).and_then(|settings| give_turns(unit, &name, &group, &settings));
        match given {
            Ok(false) => {}
            Ok(true) => blocked::look_again(unit, &name),
            // Those in line stay there until somebody repairs what is in the way.
            Err(error) => unit
                .memory
                .skip_foreign(&name, &format!("the turns of a group: {error}")),
        }
    }
}

/// Gives the free turns of a group to the first in line. Whether there may be more to give.
fn give_turns(unit: &mut Unit<'_>, name: &Name, group: &str, settings: &Settings) -> Answer<bool> {
    let key = name.group(group);
    let limit = settings.group_limit(&unit.env.settings);
    let running = unit.keys.zlowest(key, TURN, limit)?;
    let mut free = limit - running.len();
    for (_, id) in running {
        if !runs(unit, name, &id, settings) {
            unit.keys.zrem(key, &[&id])?;
            free += 1;
        }
    }
    let mut steps = 0;
    while free > 0 {
        let line = unit
            .keys
            .zwalk(key, Some(&(TURN + 1, Vec::new())), false, free.max(steps))?;
        for (_, id) in &line {
            steps += 1;
            match in_line(unit, name, id, settings) {
                Some(record) if free > 0 => {
                    give_turn(unit, name, group, id, record, settings)?;
                    free -= 1;
                }
                Some(_) => break,
                None => {
                    unit.keys.zrem(key, &[id])?;
                }
            }
        }
        if line.is_empty() {
            return Ok(false);
        }
        if steps >= TURNS {
            return Ok(true);
        }
    }
    Ok(false)
}

fn give_turn(
    unit: &mut Unit<'_>,
    name: &Name,
    group: &str,
    id: &[u8],
    mut record: Record,
    settings: &Settings,
) -> Answer<()> {
    blocked::expect_in(unit, name, &record, Some(group))?;
    unit.keys.zadd(name.group(group), &[(TURN, id)])?;
    blocked::go_on(unit, name, id, &mut record, settings)?;
    unit.memory.to_serve.insert(name.clone());
    Ok(())
}

/// Whether a task whose turn it is has not ended; one that was dropped or deleted has.
fn runs(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> bool {
    ready::look(unit, name, id).is_some_and(|record| {
        matches!(record.state, State::Waiting | State::Claimed)
            && record.has(GROUPED)
            && super::exists(&record, settings)
    })
}

/// The record of a task that stands in line.
fn in_line(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Option<Record> {
    ready::look(unit, name, id)
        .filter(|record| record.state == State::Blocked && record.has(GROUPED) && super::exists(record, settings))
}

/// Looks after a blocked task that should stand in the line of its group, or have its turn.
pub fn look_at(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record, settings: &Settings) -> Answer<()> {
    let Some(group) = of(unit, name, id, record) else {
        blocked::expect_in(unit, name, record, None)?;
        unit.memory.to_serve.insert(name.clone());
        return blocked::go_on(unit, name, id, &mut record.clone(), settings);
    };
    let key = name.group(&group);
    if unit.keys.zscore(key, id)?.is_none_or(|place| place == TURN) {
        let place = Ms::try_from(record.fence).unwrap_or(Ms::MAX);
        unit.keys.zadd(key, &[(place.max(TURN + 1), id)])?;
    }
    unit.memory.turns.insert((name.clone(), group));
    Ok(())
}
