//! GROUP: of the tasks of one group only so many (`group-limit`) have their turn at a time, in order.
//!
//! `task:{q}:group:<key>` has those whose time has come and that have not ended: with score 0 those whose turn it is,
//! which may be claimed, and behind them the line, by the order in which they came. Who stands in line is blocked. A
//! turn lasts until the task's end, over every failure, release and loss; then the next in line has his. So a ready
//! list never has a task that must not run, and a claim has nothing to look for.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::header::{GROUPED, Record, TaskState};
use crate::task::index::{blocked, ready};
use crate::task::{self, options};
use crate::time::Ms;
use crate::tx::Tx;

/// Score of those whose turn it is. Places in the line are fences, far larger.
const TURN: i64 = 0;
/// Tasks of one group that get their turn, or are passed over, in one step.
const TURNS: usize = 128;

/// The group of a task; none when somebody edited it away.
pub(crate) fn of(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Option<String> {
    if !record.has(GROUPED) {
        return None;
    }
    options::options(tx.keys, name, id, record).group
}

/// Nothing, when what a task of the group writes to have its turn or to stand in line has its types.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name, group: &str) -> Result<()> {
    tx.keys.ensure_type(name.group(group))?;
    tx.keys.ensure_type(name.index(Index::Blocked))
}

/// Whether it is the turn of a task of this group whose time has come. Otherwise it stands in line from now on.
pub(crate) fn take_turn(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    group: &str,
    settings: &QueueSettings,
) -> Result<bool> {
    let key = name.group(group);
    if tx.keys.zscore(key, id)? == Some(TURN) {
        return Ok(true);
    }
    let limit = settings.group_limit(&tx.context.config);
    let running = tx.keys.zlowest(key, TURN, limit)?.len();
    if running < limit && tx.keys.zcard(key)? == running {
        tx.keys.zadd(key, &[(TURN, id)])?;
        return Ok(true);
    }
    let place = Ms::try_from(tx.next_fence(0)).unwrap_or(Ms::MAX);
    tx.keys.zadd(key, &[(place, id)])?;
    // Should there be room, as one of those whose turn it was is no more, those in front come first.
    tx.state.turns.insert((name.clone(), group.to_string()));
    Ok(false)
}

/// The task ends: the next one may have its turn, at the end of this transaction. In a key of another type there is nothing
/// of it.
pub(crate) fn leave(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) {
    let Some(group) = of(tx, name, id, record) else {
        return;
    };
    if tx.keys.zrem(name.group(&group), &[id]).unwrap_or(0) > 0 {
        tx.state.turns.insert((name.clone(), group));
    }
}

/// Gives the turns that are free in the groups that were touched in this transaction. What is more than one step's share is
/// left to the tick.
pub(crate) fn settle(tx: &mut Tx<'_>) {
    for (name, group) in std::mem::take(&mut tx.state.turns) {
        let given = task::settings(tx, &name).and_then(|settings| give_turns(tx, &name, &group, &settings));
        match given {
            Ok(false) => {}
            Ok(true) => blocked::look_again(tx, &name),
            // Those in line stay there until somebody repairs what is in the way.
            Err(error) => tx.state.skip_foreign(&name, &format!("the turns of a group: {error}")),
        }
    }
}

/// Gives the free turns of a group to the first in line. Whether there may be more to give.
fn give_turns(tx: &mut Tx<'_>, name: &Name, group: &str, settings: &QueueSettings) -> Result<bool> {
    let key = name.group(group);
    let limit = settings.group_limit(&tx.context.config);
    let running = tx.keys.zlowest(key, TURN, limit)?;
    let mut free = limit - running.len();
    for (_, id) in running {
        if !runs(tx, name, &id, settings) {
            tx.keys.zrem(key, &[&id])?;
            free += 1;
        }
    }
    let mut steps = 0;
    while free > 0 {
        let line = tx
            .keys
            .zwalk(key, Some(&(TURN + 1, Vec::new())), false, free.max(steps))?;
        for (_, id) in &line {
            steps += 1;
            match in_line(tx, name, id, settings) {
                Some(record) if free > 0 => {
                    give_turn(tx, name, group, id, record, settings)?;
                    free -= 1;
                }
                Some(_) => break,
                None => {
                    tx.keys.zrem(key, &[id])?;
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
    tx: &mut Tx<'_>,
    name: &Name,
    group: &str,
    id: &[u8],
    mut record: Record,
    settings: &QueueSettings,
) -> Result<()> {
    blocked::ensure_types_in(tx, name, &record, Some(group))?;
    tx.keys.zadd(name.group(group), &[(TURN, id)])?;
    blocked::go_on(tx, name, id, &mut record, settings)?;
    tx.state.to_serve.insert(name.clone());
    Ok(())
}

/// Whether a task whose turn it is has not ended; one that was dropped or deleted has.
fn runs(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> bool {
    ready::look(tx, name, id).is_some_and(|record| {
        matches!(record.state, TaskState::Waiting | TaskState::Claimed)
            && record.has(GROUPED)
            && task::exists(&record, settings)
    })
}

/// The record of a task that stands in line.
fn in_line(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Option<Record> {
    ready::look(tx, name, id)
        .filter(|record| record.state == TaskState::Blocked && record.has(GROUPED) && task::exists(record, settings))
}

/// Looks after a blocked task that should stand in the line of its group, or have its turn.
pub(crate) fn look_at(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    record: &Record,
    settings: &QueueSettings,
) -> Result<()> {
    let Some(group) = of(tx, name, id, record) else {
        blocked::ensure_types_in(tx, name, record, None)?;
        tx.state.to_serve.insert(name.clone());
        return blocked::go_on(tx, name, id, &mut record.clone(), settings);
    };
    let key = name.group(&group);
    if tx.keys.zscore(key, id)?.is_none_or(|place| place == TURN) {
        let place = Ms::try_from(record.fence).unwrap_or(Ms::MAX);
        tx.keys.zadd(key, &[(place.max(TURN + 1), id)])?;
    }
    tx.state.turns.insert((name.clone(), group));
    Ok(())
}
