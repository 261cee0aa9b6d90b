//! GROUP: of the tasks of one group only so many (`group-limit`) have their turn at a time, in order.
//!
//! `task:{q}:group:<key>` has the tasks that have become due and have not ended: with score 0 those that have their
//! turn and may be claimed, then the line, in the order in which they came. Tasks in the line are blocked. A turn lasts
//! until the task ends, across failures, releases and losses; then the next in line gets its turn. So a ready list
//! never contains a task that must not run, and claims do not have to search.
//!
//! With `group-hold run` a task that had its turn and waits for its due time again lets the next one in: it is there
//! with score -1, and comes to the head of the line when it is due.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::task::handle::{Queue, Task};
use crate::task::header::{GROUPED, TaskState};
use crate::task::index::{blocked, later};
use crate::time::Ms;

/// Score of the tasks that have their turn. Places in the line are fences, far larger.
const TURN: i64 = 0;
/// Score of the tasks that let others in while they wait for their due times.
const ASIDE: i64 = -1;
/// The place before all that have their turn.
const BEFORE_TURNS: Scored = (TURN, Vec::new());

/// The group of a task; none if somebody deleted its options.
pub(crate) fn of(queue: &mut Queue<'_>, task: &Task) -> Option<String> {
    if !task.header.has(GROUPED) {
        return None;
    }
    task.options(queue).group.clone()
}

/// Errors with `WrongType` unless the keys that give a task its turn or put it in line have the right types.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, group: &str) -> Result<()> {
    queue.keys.ensure_type(queue.name.group(group))?;
    blocked::ensure_types(queue)
}

/// Gives a due task of this group its turn if one is free. Otherwise puts it in line and returns `false`.
pub(crate) fn take_turn(queue: &mut Queue<'_>, task: &Task, group: &str) -> Result<bool> {
    let limit = limit(queue);
    let key = queue.name.group(group);
    let before = queue.keys.zscore(key, &task.id)?;
    if before == Some(TURN) {
        return Ok(true);
    }
    let first = queue.keys.zwalk(key, Some(&BEFORE_TURNS), false, limit)?;
    if first.len() < limit && first.iter().all(|(place, _)| *place == TURN) {
        queue.keys.zadd(key, &[(TURN, &task.id)])?;
        return Ok(true);
    }
    let place = match before {
        // Milliseconds, far smaller than fences.
        Some(ASIDE) => task.header.due.0.max(TURN + 1),
        _ => Ms::try_from(queue.next_fence(0)).unwrap_or(Ms::MAX),
    };
    queue.keys.zadd(queue.name.group(group), &[(place, &task.id)])?;
    // If a task with a turn is gone there is room, but those in front come first.
    admit_later(queue, group.to_string());
    Ok(false)
}

/// The task waits for its due time: with `group-hold run` the next one may get its turn. A key of another type is
/// skipped.
pub(crate) fn step_aside(queue: &mut Queue<'_>, task: &Task) {
    if !queue.settings.numbers.group_hold_run() {
        return;
    }
    let Some(group) = of(queue, task) else {
        return;
    };
    let key = queue.name.group(&group);
    if queue.keys.zscore(key, &task.id) == Ok(Some(TURN)) && queue.keys.zadd(key, &[(ASIDE, &task.id)]).is_ok() {
        admit_later(queue, group);
    }
}

/// The task ends: the next one may get its turn, at the end of this transaction. A key of another type is skipped: the
/// task is not in there.
pub(crate) fn leave(queue: &mut Queue<'_>, task: &Task) {
    let Some(group) = of(queue, task) else {
        return;
    };
    if queue.keys.zrem(queue.name.group(&group), &[&task.id]).unwrap_or(0) > 0 {
        admit_later(queue, group);
    }
}

/// Puts a blocked task back in the line of its group if it is missing there, and lets the next ones in.
pub(crate) fn repair(queue: &mut Queue<'_>, task: &Task, group: String) -> Result<()> {
    let key = queue.name.group(&group);
    if queue.keys.zscore(key, &task.id)?.is_none_or(|place| place <= TURN) {
        let place = Ms::try_from(task.header.fence).unwrap_or(Ms::MAX);
        queue.keys.zadd(key, &[(place.max(TURN + 1), &task.id)])?;
    }
    admit_later(queue, group);
    Ok(())
}

/// How many turns of the group are free. Removes tasks with a turn that were dropped or deleted.
pub(crate) fn free_turns(queue: &mut Queue<'_>, group: &str) -> Result<usize> {
    let limit = limit(queue);
    let first = queue
        .keys
        .zwalk(queue.name.group(group), Some(&BEFORE_TURNS), false, limit)?;
    let mut free = limit;
    for (_, id) in first.into_iter().take_while(|(place, _)| *place == TURN) {
        free -= 1;
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

/// The task of an id in the line; `None` if that is no blocked task of a group.
pub(crate) fn in_line(queue: &mut Queue<'_>, id: &[u8]) -> Option<Task> {
    let task = queue.read_header(id)?;
    let header = &task.header;
    (header.state == TaskState::Blocked && header.has(GROUPED) && queue.has(header)).then_some(task)
}

/// Gives a task in the line its turn.
pub(crate) fn give_turn(queue: &mut Queue<'_>, group: &str, task: &Task) -> Result<()> {
    queue.keys.zadd(queue.name.group(group), &[(TURN, &task.id)])
}

/// Removes an id.
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
