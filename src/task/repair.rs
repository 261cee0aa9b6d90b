//! Blocked tasks, checked after somebody else may have changed what they wait for.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::task::handle::{Queue, Task};
use crate::task::header::{AWAITED, AWAITED_OUTSIDE, TaskState};
use crate::task::index::{blocked, dependencies, group, later};
use crate::task::lifecycle;
use crate::task::worklist::{cancel_dependent, unblock_dependent};

/// Blocked tasks that are checked in one slice.
const RESCANNED: usize = 64;
/// Dependencies of blocked tasks that are checked in one slice.
const CHECKED: usize = 1_000;

/// Repairs blocked tasks after somebody else may have changed what they wait for, or the limit of groups was raised.
/// Returns whether there are more.
pub(crate) fn rescan_blocked(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.memory();
    if !memory.maybe_blocked {
        memory.blocked_rescan = None;
        return Ok(false);
    }
    let Some(after) = memory.blocked_rescan.take() else {
        return Ok(false);
    };
    let index = queue.name.index(Index::Blocked);
    let members = queue.keys.zwalk(index, Some(&after), false, RESCANNED)?;
    let most = queue.state.work.edges + CHECKED;
    let mut checked = 0;
    for (_, id) in &members {
        if let Err(error) = repair_blocked(queue, id) {
            queue.log_skip(&format!("a blocked task: {error}"));
        }
        checked += 1;
        if queue.state.work.edges >= most {
            break;
        }
    }
    let all = checked == members.len() && checked < RESCANNED;
    if !all {
        queue.memory().blocked_rescan = checked.checked_sub(1).and_then(|last| members.get(last).cloned());
    } else if members.is_empty() {
        let left = queue.keys.zcard(queue.name.index(Index::Blocked))?;
        queue.memory().maybe_blocked = left > 0;
    }
    Ok(!all)
}

fn repair_blocked(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    let found = queue.read_header(id);
    let found = found.filter(|task| task.header.state == TaskState::Blocked && queue.has(&task.header));
    let Some(mut task) = found else {
        if later::is_later(queue, id) {
            return Ok(());
        }
        queue.log_skip("an id in the blocked set that is no blocked task");
        return blocked::remove(queue, id);
    };
    if dependencies::waits(queue, id).is_some() {
        return repair_dependent(queue, &mut task);
    }
    match group::of(queue, &task) {
        Some(group) => group::repair(queue, &task, group),
        None => {
            lifecycle::ensure_unblock_types(queue, &task)?;
            queue.serve_waiters();
            lifecycle::unblock(queue, &mut task)
        }
    }
}

/// Repairs a task that waits for others. A parent whose record was deleted by hand or evicted counts as failed.
fn repair_dependent(queue: &mut Queue<'_>, child: &mut Task) -> Result<()> {
    let mut left = 0;
    let options = child.options(queue).clone();
    queue.state.work.edges += options.parents();
    let of = queue.name.clone();
    for (name, parents) in dependencies::parents(&of, &options) {
        if name != of {
            queue.state.dependents.add(&name, &of);
        }
        for parent in parents {
            let parent = parent.as_bytes();
            let found = queue.within(&name, |queue| look_at(queue, parent, (&of, child), options.onfail_wait))?;
            match found {
                Parent::Awaited => left += 1,
                Parent::Failed if !options.onfail_run => {
                    return cancel_dependent(queue, child, (&name, parent), "gone");
                }
                Parent::Failed | Parent::Over => {}
            }
        }
    }
    match left {
        0 => unblock_dependent(queue, child),
        left if dependencies::waits(queue, &child.id) != Some(left) => dependencies::put_count(queue, &child.id, left),
        _ => Ok(()),
    }
}

/// What a dependent may expect of a parent.
enum Parent {
    /// Its end is still to come, or to be told.
    Awaited,
    /// It did not succeed.
    Failed,
    /// Its end was told, or it succeeded.
    Over,
}

/// Finds out about a parent, a task of the open queue, and puts its line in order for this child, a task of the queue
/// `of`.
fn look_at(queue: &mut Queue<'_>, parent: &[u8], (of, child): (&Name, &Task), waits_for_dead: bool) -> Result<Parent> {
    let entry = dependencies::entry(&queue.name, of, &child.id);
    let linked = queue.keys.zscore(queue.name.after(parent), &entry)?.is_some();
    if is_put_off(queue, parent) || is_dropped(queue, parent) {
        // The timer will come to it, or has.
        return Ok(if linked { Parent::Awaited } else { Parent::Over });
    }
    if later::is_later(queue, parent) {
        return Ok(Parent::Awaited);
    }
    let found = queue.find(parent).unwrap_or(None);
    let awaited = match &found {
        Some(parent) if parent.header.state == TaskState::Dead && !waits_for_dead => false,
        Some(parent) if parent.header.state == TaskState::Dead && linked => true,
        found => found.as_ref().is_some_and(|parent| parent.header.has(AWAITED)),
    };
    // A parent without the child in its line has ended, and the id may be another task's by now, unless somebody deleted
    // the whole line.
    if awaited && (linked || queue.keys.zcard(queue.name.after(parent))? == 0) {
        dependencies::link(queue, of, child, parent)?;
        return Ok(Parent::Awaited);
    }
    if !linked {
        return Ok(Parent::Over);
    }
    queue.keys.zrem(queue.name.after(parent), &[&entry])?;
    let done = found.is_some_and(|parent| parent.header.state == TaskState::Done);
    Ok(if done { Parent::Over } else { Parent::Failed })
}

/// Whether the record is that of a dropped parent, which ends when it is removed.
fn is_dropped(queue: &mut Queue<'_>, parent: &[u8]) -> bool {
    let dropped_below = queue.settings.dropped_below();
    let is_old = |parent: Task| parent.header.fence < dropped_below && parent.header.has(AWAITED_OUTSIDE);
    queue.read_header(parent).is_some_and(is_old)
}

fn is_put_off(queue: &Queue<'_>, parent: &[u8]) -> bool {
    let ends = &queue.state.work.parent_ends;
    queue.settings.unresolved.has(parent)
        || ends
            .iter()
            .any(|end| end.name == queue.name && end.parent.as_slice() == parent)
}
