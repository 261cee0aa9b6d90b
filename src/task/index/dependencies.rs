//! AFTER: which tasks wait for the end of which (workflows).
//!
//! `task:{q}:after:<parent>` has the tasks that wait for the end of one, each with its first fence; a flag in the
//! parent's header says that there are some, and another that some are of other queues. A field of the child says how
//! many ends it still waits for. `worklist` resolves the children when a parent ends; what one transaction leaves over
//! is stored in the hash of the parent's queue.

use std::borrow::Cow;

use crate::command::MAX_COUNT;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::settings::{How, UNRESOLVED_ENDS, Unresolved, unresolved_field};
use crate::state::work::ParentEnd;
use crate::task::handle::{Queue, Task};
use crate::task::header::{AWAITED, AWAITED_OUTSIDE, TaskState};
use crate::task::options::{self, Options};

/// Most dependencies that one command makes or removes: a task may have a thousand.
pub(crate) const EDGES: usize = 10_000;

/// Stands between the name of a queue and the id of its task in a line of another queue; neither has one.
const TAB: u8 = b'\t';

/// How a task of the queue `of` stands in the lines of a queue: by its id, in those of another behind its queue's name.
pub(crate) fn entry<'i>(line: &Name, of: &Name, id: &'i [u8]) -> Cow<'i, [u8]> {
    match line == of {
        true => id.into(),
        false => [of.text().as_bytes(), &[TAB], id].concat().into(),
    }
}

/// The queue and the id of the task that stands like this in the lines of a queue; `None` for something foreign.
pub(crate) fn dependent<'e>(line: &Name, entry: &'e [u8]) -> Option<(Name, &'e [u8])> {
    match entry.iter().position(|byte| *byte == TAB) {
        None => Some((line.clone(), entry)),
        Some(at) => {
            let (of, id) = entry.split_at_checked(at)?;
            Some((line.neighbour("AFTER", of).ok()?, id.get(1..)?))
        }
    }
}

/// The tasks that one of the queue `of` comes after, by their queues.
pub(crate) fn parents<'o>(of: &Name, options: &'o Options) -> impl Iterator<Item = (Name, &'o [String])> {
    let own = (!options.after.is_empty()).then(|| (of.clone(), options.after.as_slice()));
    let others = options.after_in.iter().filter_map(move |(queue, ids)| {
        let queue = of.neighbour("AFTER", queue.as_bytes()).ok()?;
        Some((queue, ids.as_slice()))
    });
    own.into_iter().chain(others)
}

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
        TaskState::Blocked => task.options(queue).parents(),
        _ => 0,
    }
}

/// Makes the task wait for the ends of the parents in these options.
pub(crate) fn add(queue: &mut Queue<'_>, task: &Task, options: &Options) -> Result<()> {
    let of = queue.name.clone();
    for (name, parents) in parents(&of, options) {
        queue.within(&name, |queue| {
            let link = |parent: &String| link(queue, &of, task, parent.as_bytes());
            parents.iter().try_for_each(link)
        })?;
    }
    put_count(queue, &task.id, options.parents())
}

/// Adds the child, a task of the queue `of`, to the parent's line.
pub(crate) fn link(queue: &mut Queue<'_>, of: &Name, child: &Task, parent: &[u8]) -> Result<()> {
    let mut flags = AWAITED;
    if *of != queue.name {
        flags |= AWAITED_OUTSIDE;
        queue.state.dependents.add(&queue.name, of);
    }
    let entry = entry(&queue.name, of, &child.id);
    let born = born(child.header.fence);
    queue.keys.zadd(queue.name.after(parent), &[(born, &entry)])?;
    if let Some(mut parent) = queue.read_header(parent).filter(|parent| !parent.header.has_all(flags)) {
        parent.header.flags |= flags;
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
    let options = task.options(queue);
    queue.state.work.edges += options.parents();
    for (name, parents) in parents(&queue.name, options) {
        let entry = entry(&name, &queue.name, &task.id);
        for parent in parents {
            let _ = queue.keys.zrem(name.after(parent.as_bytes()), &[&entry]);
        }
    }
    let _ = forget_count(queue, &task.id);
}

/// An awaited task ended, or is removed without an end: its dependents are resolved at the end of this transaction. Some
/// may go on waiting for a dead one.
pub(crate) fn ended(queue: &mut Queue<'_>, task: &mut Task, how: How) {
    if !matches!(how, How::Dead(_)) {
        task.header.flags &= !(AWAITED | AWAITED_OUTSIDE);
    }
    queue.state.work.parent_ends.push_back(ParentEnd {
        name: queue.name.clone(),
        parent: task.id.clone(),
        how,
    });
}

/// A dropped task is removed, or its id is used again: the tasks of other queues that wait for it will not see it end.
pub(crate) fn dropped(queue: &mut Queue<'_>, task: &mut Task) {
    if task.header.has(AWAITED_OUTSIDE) {
        queue.state.work.edges += count(queue, task);
        ended(queue, task, How::Failed("removed".into()));
    }
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
            parent.header.flags &= !(AWAITED | AWAITED_OUTSIDE);
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
    let rest = Unresolved {
        parent: end.parent.clone(),
        below: queue.next_fence(0),
        how: end.how.clone(),
    };
    store(queue, &rest)?;
    queue.wake_now();
    // Changed, not read again: a thousand may be put off at once.
    queue.change_settings(|settings| settings.unresolved.insert(rest));
    Ok(())
}

/// Stores an end with unresolved dependents.
pub(crate) fn store(queue: &mut Queue<'_>, rest: &Unresolved) -> Result<()> {
    let how = format!("{} {}", rest.below, rest.how);
    let field = unresolved_field(&rest.parent);
    let fields: [(&[u8], &[u8]); 2] = [(&field, how.as_bytes()), (UNRESOLVED_ENDS.as_bytes(), b"1")];
    queue.keys.hset(queue.name.queue(), &fields)
}

/// All children of a parent that were put off are resolved.
pub(crate) fn finish(queue: &mut Queue<'_>, end: &ParentEnd) -> Result<()> {
    resolved(queue, end)?;
    queue.change_settings(|settings| settings.unresolved.remove(&end.parent));
    let field = unresolved_field(&end.parent);
    let fields: [&[u8]; 2] = [&field, UNRESOLVED_ENDS.as_bytes()];
    let gone = if queue.settings.unresolved.is_empty() { 2 } else { 1 };
    queue
        .keys
        .hdel(queue.name.queue(), fields.get(..gone).unwrap_or_default())
}
