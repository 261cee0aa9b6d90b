//! GROUP: of the tasks of one group only so many (`group-limit`) have their turn at a time, in order.
//!
//! `task:{q}:group:<key>` has those whose time has come and that have not ended: with score 0 those whose turn it is,
//! which may be claimed, and behind them the line, by the order in which they came. A task in the line is blocked. A
//! turn lasts until the task ends, over every failure, release and loss; then the next in line has its turn. So a
//! ready list never has a task that must not run, and a claim has nothing to look for.

use crate::error::Result;
use crate::task::handle::{Queue, Task};
use crate::task::header::{GROUPED, TaskState};
use crate::task::index::{blocked, later};
use crate::time::Ms;

/// Score of those whose turn it is. Places in the line are fences, far larger.
const TURN: i64 = 0;

/// The group of a task; none when somebody edited it away.
pub(crate) fn of(queue: &mut Queue<'_>, task: &Task) -> Option<String> {
    if !task.header.has(GROUPED) {
        return None;
    }
    task.options(queue).group.clone()
}

/// Errors with `WrongType` unless a task of the group may have its turn or stand in line.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, group: &str) -> Result<()> {
    queue.keys.ensure_type(queue.name.group(group))?;
    blocked::ensure_types(queue)
}

/// Whether it is the turn of a task of this group whose time has come. Otherwise it stands in line from now on.
pub(crate) fn take_turn(queue: &mut Queue<'_>, task: &Task, group: &str) -> Result<bool> {
    let limit = limit(queue);
    let key = queue.name.group(group);
    if queue.keys.zscore(key, &task.id)? == Some(TURN) {
        return Ok(true);
    }
    let running = queue.keys.zlowest(key, TURN, limit)?.len();
    if running < limit && queue.keys.zcard(key)? == running {
        queue.keys.zadd(key, &[(TURN, &task.id)])?;
        return Ok(true);
    }
    let place = Ms::try_from(queue.next_fence(0)).unwrap_or(Ms::MAX);
    queue.keys.zadd(queue.name.group(group), &[(place, &task.id)])?;
    // Should there be room, as one of those whose turn it was is no more, those in front come first.
    admit_later(queue, group.to_string());
    Ok(false)
}

/// The task ends: the next one may have its turn, at the end of this transaction. In a key of another type there is
/// nothing of it.
pub(crate) fn leave(queue: &mut Queue<'_>, task: &Task) {
    let Some(group) = of(queue, task) else {
        return;
    };
    if queue.keys.zrem(queue.name.group(&group), &[&task.id]).unwrap_or(0) > 0 {
        admit_later(queue, group);
    }
}

/// A blocked task that should stand in the line of its group does, and the line is looked at.
pub(crate) fn repair(queue: &mut Queue<'_>, task: &Task, group: String) -> Result<()> {
    let key = queue.name.group(&group);
    if queue.keys.zscore(key, &task.id)?.is_none_or(|place| place == TURN) {
        let place = Ms::try_from(task.header.fence).unwrap_or(Ms::MAX);
        queue.keys.zadd(key, &[(place.max(TURN + 1), &task.id)])?;
    }
    admit_later(queue, group);
    Ok(())
}

/// How many turns of the group are free. Tasks whose turn it was and that are no more, dropped or deleted, are
/// forgotten.
pub(crate) fn free_turns(queue: &mut Queue<'_>, group: &str) -> Result<usize> {
    let limit = limit(queue);
    let running = queue.keys.zlowest(queue.name.group(group), TURN, limit)?;
    let mut free = limit - running.len();
    for (_, id) in running {
        if !has_turn(queue, &id) {
            remove(queue, group, &id)?;
            free += 1;
        }
    }
    Ok(free)
}

/// The ids of the first in line, so many at most.
pub(crate) fn line(queue: &mut Queue<'_>, group: &str, count: usize) -> Result<Vec<Vec<u8>>> {
    let after = (TURN + 1, Vec::new());
    let line = queue.keys.zwalk(queue.name.group(group), Some(&after), false, count)?;
    Ok(line.into_iter().map(|(_, id)| id).collect())
}

/// The task of an id that stands in line; `None` for one that is no such task.
pub(crate) fn in_line(queue: &mut Queue<'_>, id: &[u8]) -> Option<Task> {
    let task = queue.read_header(id)?;
    let header = &task.header;
    (header.state == TaskState::Blocked && header.has(GROUPED) && queue.has(header)).then_some(task)
}

/// It is the turn of a task that stood in line.
pub(crate) fn give_turn(queue: &mut Queue<'_>, group: &str, task: &Task) -> Result<()> {
    queue.keys.zadd(queue.name.group(group), &[(TURN, &task.id)])
}

/// Takes an id out.
pub(crate) fn remove(queue: &mut Queue<'_>, group: &str, id: &[u8]) -> Result<()> {
    queue.keys.zrem(queue.name.group(group), &[id])?;
    Ok(())
}

fn has_turn(queue: &mut Queue<'_>, id: &[u8]) -> bool {
    let Some(task) = queue.read_header(id) else {
        return later::is_later(queue, id);
    };
    let header = &task.header;
    matches!(header.state, TaskState::Waiting | TaskState::Claimed) && header.has(GROUPED) && queue.has(header)
}

fn limit(queue: &Queue<'_>) -> usize {
    queue.settings.numbers.group_limit(&queue.context.config)
}

fn admit_later(queue: &mut Queue<'_>, group: String) {
    queue.state.work.groups.insert((queue.name.clone(), group));
}
