//! What follows from a transaction, done in one loop at its end: REPLY tasks are scheduled, dependents of tasks that
//! ended are unblocked or cancelled, the next task of a group gets its turn, waiting clients are served. Not earlier: a
//! task that is about to end may still look like a waiting one, and a loop over tasks must not come across those that
//! it unblocked itself.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::Name;
use crate::settings::{How, Unresolved};
use crate::state::work::{ParentEnd, Walk};
use crate::task::dispatch::serve;
use crate::task::handle::{Queue, Task};
use crate::task::header::TaskState;
use crate::task::index::{blocked, dependencies, group, later};
use crate::task::{events, lifecycle, reply_to, revoke};
use crate::tx::Tx;

/// Dependents that one transaction resolves: a thousand would keep all other clients waiting for 8 ms (measured).
const DEPENDENTS: usize = 128;
/// So many dependencies, read or removed, cost as much as one dependent.
const EDGES: usize = 8;
/// Tasks of one group that get their turn, or are passed over, in one step.
const TURNS: usize = 128;

/// Does everything that follows.
pub(crate) fn run(tx: &mut Tx<'_>) {
    revoke::revoke_claims(tx);
    unblock(tx);
    if !tx.state.work.to_serve.is_empty() {
        for name in std::mem::take(&mut tx.state.work.to_serve) {
            with_queue(tx, name, "the clients that wait", |queue| {
                serve::serve(queue);
                Ok(())
            });
        }
    }
}

/// Does what follows for other tasks; serves no clients.
pub(crate) fn unblock(tx: &mut Tx<'_>) {
    let mut left = DEPENDENTS;
    while tx.state.work.has_tasks() {
        for reply in std::mem::take(&mut tx.state.work.replies) {
            reply_to::send(tx, &reply);
        }
        if let Some(end) = tx.state.work.parent_ends.pop_front() {
            with_queue(tx, end.name.clone(), "a task that waits for others", |queue| {
                let mut walk = Walk::default();
                resolve_dependents(queue, &end, i64::MAX, &mut walk, &mut left)?;
                if left == 0 || walk.unread {
                    dependencies::put_off(queue, &end)
                } else {
                    dependencies::resolved(queue, &end)
                }
            });
            continue;
        }
        for (name, group) in std::mem::take(&mut tx.state.work.groups) {
            // If a key of another type is in the way, those in line stay there until somebody repairs it.
            with_queue(tx, name, "the turns of a group", |queue| {
                if admit_next(queue, &group)? {
                    blocked::rescan(queue);
                }
                Ok(())
            });
        }
    }
}

fn with_queue(tx: &mut Tx<'_>, name: Name, what: &str, work: impl FnOnce(&mut Queue<'_>) -> Result<()>) {
    let done = Queue::open(tx, name.clone()).and_then(|mut queue| work(&mut queue));
    if let Err(error) = done {
        tx.state.log_skip(&name, &format!("{what}: {error}"));
    }
}

/// Resolves a slice of the dependents that were left over. Returns whether there are more.
pub(crate) fn resume_dependents(queue: &mut Queue<'_>) -> Result<bool> {
    let mut left = DEPENDENTS;
    let cursor = queue.memory().unresolved_cursor.take();
    let cursor = cursor.filter(|(parent, _)| queue.settings.unresolved.has(parent));
    let (at, mut walk) = cursor.map_or((None, None), |(parent, walk)| (Some(parent), Some(walk)));
    // Each costs as much as one dependent, also without any.
    let ends: Vec<Unresolved> = queue.settings.unresolved.from(at.as_ref()).take(left + 1).collect();
    for rest in ends {
        let end = ParentEnd {
            name: queue.name.clone(),
            parent: rest.parent,
            how: rest.how,
        };
        let before = dependencies::born(rest.below).saturating_sub(1);
        let mut walk = walk.take().unwrap_or_default();
        resolve_dependents(queue, &end, before, &mut walk, &mut left)?;
        if left == 0 {
            queue.memory().unresolved_cursor = Some((end.parent, walk));
            return Ok(true);
        }
        if walk.unread {
            // Tried again in case they can be read by then.
            let again = queue.context.steady.after(later::RETRY);
            queue.wake_at_steady(again);
        } else {
            dependencies::finish(queue, &end)?;
        }
        left -= 1;
    }
    Ok(false)
}

/// Resolves tasks that wait for this end and were born before, going on with the walk, until the budget `left` is spent.
/// Those of a later version stay in line, and so do those that go on waiting for a dead parent.
fn resolve_dependents(
    queue: &mut Queue<'_>,
    end: &ParentEnd,
    before: i64,
    walk: &mut Walk,
    left: &mut usize,
) -> Result<()> {
    while *left > 0 {
        let line = queue.name.after(&end.parent);
        let children = queue.keys.zwalk(line, walk.last.as_ref(), false, *left)?;
        if children.is_empty() {
            break;
        }
        for child in children {
            if child.0 > before {
                return Ok(());
            }
            if *left == 0 {
                break;
            }
            let edges = queue.state.work.edges;
            walk.unread |= !resolve_dependent(queue, end, &child)?;
            let cost = 1 + (queue.state.work.edges - edges) / EDGES;
            *left = left.saturating_sub(cost);
            walk.last = Some(child);
        }
    }
    Ok(())
}

/// Returns `false` if its record is of a later version, or its queue cannot be opened.
fn resolve_dependent(queue: &mut Queue<'_>, end: &ParentEnd, entry: &Scored) -> Result<bool> {
    let Some((name, id)) = dependencies::dependent(&end.name, &entry.1) else {
        queue.keys.zrem(end.name.after(&end.parent), &[&entry.1])?;
        return Ok(true);
    };
    let resolved = queue.within(&name, |queue| resolve(queue, end, entry, id));
    if let Err(error) = &resolved {
        queue.log_skip(&format!("a task that waits for others: {error}"));
    }
    Ok(resolved.unwrap_or(false))
}

/// The same in the queue of the child.
fn resolve(queue: &mut Queue<'_>, end: &ParentEnd, (born, entry): &Scored, id: &[u8]) -> Result<bool> {
    let child = queue.read_header(id);
    if child.is_none() && later::is_later(queue, id) {
        return Ok(false);
    }
    let waiting = child.filter(|child| {
        let header = &child.header;
        header.state == TaskState::Blocked && dependencies::born(header.fence) == *born && queue.has(header)
    });
    if let Some(child) = &waiting
        && dependencies::waits_on(queue, child, &end.how)
    {
        return Ok(true);
    }
    queue.keys.zrem(end.name.after(&end.parent), &[entry])?;
    if let Some(mut child) = waiting
        && let Err(error) = settle(queue, end, &mut child)
    {
        queue.log_skip(&format!("a task that waits for others: {error}"));
    }
    Ok(true)
}

/// The child waits for one end less, and is unblocked by the last; or it is cancelled if the parent failed.
fn settle(queue: &mut Queue<'_>, end: &ParentEnd, child: &mut Task) -> Result<()> {
    let Some(count) = dependencies::waits(queue, &child.id) else {
        return Ok(());
    };
    if let How::Dead(why) | How::Failed(why) = &end.how {
        let options = child.options(queue);
        queue.state.work.edges += options.parents();
        if !options.onfail_run {
            return cancel_dependent(queue, child, (&end.name, &end.parent), why);
        }
    }
    if count > 1 {
        return dependencies::put_count(queue, &child.id, count - 1);
    }
    unblock_dependent(queue, child)
}

pub(super) fn unblock_dependent(queue: &mut Queue<'_>, child: &mut Task) -> Result<()> {
    lifecycle::ensure_unblock_types(queue, child)?;
    dependencies::forget_count(queue, &child.id)?;
    queue.serve_waiters();
    lifecycle::unblock(queue, child)
}

pub(super) fn cancel_dependent(
    queue: &mut Queue<'_>,
    child: &mut Task,
    (of, parent): (&Name, &[u8]),
    why: &str,
) -> Result<()> {
    lifecycle::ensure_unblock_types(queue, child)?;
    events::ensure_types(queue)?;
    let parent = String::from_utf8_lossy(parent);
    let reason = match *of == queue.name {
        true => format!("after {parent}: {why}"),
        false => format!("after {parent} in {}: {why}", of.text()),
    };
    lifecycle::cancel(queue, child, reason.as_bytes())?;
    Ok(())
}

/// Gives the free turns of a group to the first in line. Returns whether there may be more to give.
fn admit_next(queue: &mut Queue<'_>, group: &str) -> Result<bool> {
    let mut free = group::free_turns(queue, group)?;
    let mut steps = 0;
    while free > 0 {
        let line = group::line(queue, group, free.max(steps))?;
        for id in &line {
            steps += 1;
            match group::in_line(queue, id) {
                Some(mut task) if free > 0 => {
                    lifecycle::ensure_unblock_types(queue, &task)?;
                    group::give_turn(queue, group, &task)?;
                    lifecycle::unblock(queue, &mut task)?;
                    queue.serve_waiters();
                    free -= 1;
                }
                Some(_) => break,
                // Those behind it wait for it.
                None if later::is_later(queue, id) => return Ok(false),
                None => group::remove(queue, group, id)?,
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
