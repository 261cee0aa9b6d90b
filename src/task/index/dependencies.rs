//! AFTER: which tasks wait for the end of which (workflows).
//!
//! `task:{q}:after:<parent>` has the tasks that wait for the end of one, each with its first fence; a flag in the
//! parent's header says that there are some. A field of the child says how many ends it still waits for. `worklist`
//! resolves the children when a parent ends; what one transaction leaves over is stored in the queue's hash.

use crate::command::MAX_COUNT;
use crate::error::{Error, Result};
use crate::settings::{How, Unresolved, unresolved_field};
use crate::state::work::ParentEnd;
use crate::task::handle::{Queue, Task};
use crate::task::header::{AWAITED, TaskState};
use crate::task::options;

/// Most dependencies that one command makes or removes: a task may have a thousand.
pub(crate) const EDGES: usize = 10_000;

/// Errors with `BadArg` if so many tasks that wait for so many others are too much for one call.
pub(crate) fn ensure_few(tasks: usize, parents: usize) -> Result<()> {
    let edges = tasks * parents;
    if edges > EDGES {
        return Err(Error::BadArg(format!(
            "AFTER of {parents} ids for {tasks} tasks makes {edges} dependencies: at most {EDGES} a call"
        )));
    }
    Ok(())
}

/// Errors with `BadArg` if these tasks have too many dependencies to remove them in one call.
pub(crate) fn ensure_removable(queue: &mut Queue<'_>, ids: &[&str]) -> Result<()> {
    if ids.len() * MAX_COUNT <= EDGES {
        return Ok(());
    }
    match removable(queue, ids.iter().map(|id| id.as_bytes())) {
        all if all == ids.len() => Ok(()),
        some => Err(Error::BadArg(format!(
            "the tasks of ids have more than {EDGES} dependencies: give the first {some} ids, then the others"
        ))),
    }
}

/// How many of these tasks, from the first and at least one, may be removed in one call.
pub(crate) fn removable<'i>(queue: &mut Queue<'_>, ids: impl Iterator<Item = &'i [u8]>) -> usize {
    let (mut count, mut edges) = (0, 0);
    for id in ids {
        let task = queue.read_header(id);
        edges += task.map_or(0, |task| edges_of(queue, &task));
        if edges > EDGES && count > 0 {
            break;
        }
        count += 1;
    }
    count
}

/// How many dependencies are removed with a task.
pub(crate) fn edges_of(queue: &mut Queue<'_>, task: &Task) -> usize {
    match task.header.state {
        TaskState::Blocked => task.options(queue).after.len(),
        _ => 0,
    }
}

/// Makes the task wait for the ends of these parents.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task, parents: &[String]) -> Result<()> {
    for parent in parents {
        link(queue, task, parent.as_bytes())?;
    }
    put_count(queue, &task.id, parents.len())
}

/// Adds the child to the parent's line.
pub(crate) fn link(queue: &mut Queue<'_>, child: &Task, parent: &[u8]) -> Result<()> {
    let born = born(child.header.fence);
    queue.keys.zadd(queue.name.after(parent), &[(born, &child.id)])?;
    if let Some(mut parent) = queue.read_header(parent).filter(|parent| !parent.header.has(AWAITED)) {
        parent.header.flags |= AWAITED;
        queue.write_header(&parent)?;
    }
    Ok(())
}

/// A task's birth number as a score.
pub(crate) fn born(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

/// Stores how many ends a blocked task waits for.
pub(crate) fn put_count(queue: &mut Queue<'_>, id: &[u8], count: usize) -> Result<()> {
    let count = count.to_string();
    queue
        .keys
        .hset(queue.name.options(id), &[(options::WAITS, count.as_bytes())])
}

/// How many ends a blocked task waits for; `None` for one that is blocked by its group.
pub(crate) fn waits(queue: &mut Queue<'_>, id: &[u8]) -> Option<usize> {
    let count = queue
        .keys
        .hget(queue.name.options(id), options::WAITS)
        .unwrap_or(None)?;
    // Nonsense counts as the last one.
    let count = std::str::from_utf8(&count).ok().and_then(|count| count.parse().ok());
    Some(count.unwrap_or(1))
}

/// Removes that count.
pub(crate) fn forget_count(queue: &mut Queue<'_>, id: &[u8]) -> Result<()> {
    queue.keys.hdel(queue.name.options(id), &[options::WAITS])
}

/// Removes a blocked task from the lines of its parents. Keys of another type are skipped: it is not in them.
pub(crate) fn unlink(queue: &mut Queue<'_>, task: &Task) {
    if task.header.state != TaskState::Blocked || waits(queue, &task.id).is_none() {
        return;
    }
    let parents = &task.options(queue).after;
    queue.state.work.edges += parents.len();
    for parent in parents {
        let _ = queue.keys.zrem(queue.name.after(parent.as_bytes()), &[&task.id]);
    }
    let _ = forget_count(queue, &task.id);
}

/// An awaited task ended, or is removed without an end: its dependents are resolved at the end of this transaction. Some
/// may go on waiting for a dead one.
pub(crate) fn ended(queue: &mut Queue<'_>, task: &mut Task, how: How) {
    if !matches!(how, How::Dead(_)) {
        task.header.flags &= !AWAITED;
    }
    queue.state.work.parent_ends.push_back(ParentEnd {
        name: queue.name.clone(),
        parent: task.id.clone(),
        how,
    });
}

/// How many tasks wait for the end of this one. A key of another type counts as none.
pub(crate) fn count(queue: &mut Queue<'_>, task: &Task) -> usize {
    match task.header.has(AWAITED) {
        true => queue.keys.zcard(queue.name.after(&task.id)).unwrap_or(0),
        false => 0,
    }
}

/// Whether the task goes on waiting for a parent that ended like this.
pub(crate) fn waits_on(queue: &mut Queue<'_>, child: &Task, how: &How) -> bool {
    matches!(how, How::Dead(_)) && child.options(queue).onfail_wait
}

/// The children of a parent are resolved, but those that go on waiting for it. Without any, nobody awaits it.
pub(crate) fn resolved(queue: &mut Queue<'_>, end: &ParentEnd) -> Result<()> {
    if !matches!(end.how, How::Dead(_)) || queue.keys.zcard(queue.name.after(&end.parent))? > 0 {
        return Ok(());
    }
    match queue.read_header(&end.parent) {
        Some(mut parent) if parent.header.has(AWAITED) => {
            parent.header.flags &= !AWAITED;
            queue.write_header(&parent)
        }
        _ => Ok(()),
    }
}

/// Leaves the remaining children of a parent to the timer, stored so that it survives a restart.
pub(crate) fn put_off(queue: &mut Queue<'_>, end: &ParentEnd) -> Result<()> {
    if queue.keys.zcard(queue.name.after(&end.parent))? == 0 {
        return resolved(queue, end);
    }
    // If another task gets the id meanwhile, the fences of its children are larger than this.
    let number = queue.next_fence(0);
    let how = format!("{number} {}", end.how);
    let field = unresolved_field(&end.parent);
    queue.keys.hset(queue.name.queue(), &[(&field, how.as_bytes())])?;
    queue.wake_now();
    // Changed, not read again: a thousand may be put off at once.
    queue.change_settings(|settings| {
        settings.unresolved.retain(|rest| rest.parent != end.parent);
        settings.unresolved.push(Unresolved {
            parent: end.parent.clone(),
            below: number,
            how: end.how.clone(),
        });
    });
    Ok(())
}

/// All children of a parent that were put off are resolved.
pub(crate) fn finish(queue: &mut Queue<'_>, end: &ParentEnd) -> Result<()> {
    resolved(queue, end)?;
    queue.keys.hdel(queue.name.queue(), &[&unresolved_field(&end.parent)])?;
    queue.change_settings(|settings| settings.unresolved.retain(|rest| rest.parent != end.parent));
    Ok(())
}
