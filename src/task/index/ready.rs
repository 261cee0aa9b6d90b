//! The ready lists, for any worker (tasks for one worker are in `targeted`). They are never walked: a task that leaves
//! one without being popped leaves its id behind as a ghost, and a bit in its header says so. When the id comes up it
//! is passed over; if the task becomes ready again in that list before, it takes the place its id still has.

use crate::error::Result;
use crate::names::{Index, PRIORITIES};
use crate::settings::ghosts_field;
use crate::state::queue::ALL_READY;
use crate::task::handle::{Loaded, Queue, Task};
use crate::task::header::{Header, TARGETED, TaskState, Unreadable};
use crate::task::index::later;

/// Which end of its list a task goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Before all others, after a loss or a release.
    Head,
    /// Behind all others.
    Tail,
}

/// Puts a waiting task into the list of its priority. May clear a bit of its header.
pub(crate) fn push(queue: &mut Queue<'_>, task: &mut Task, end: End) -> Result<()> {
    let priority = task.header.priority;
    if !take_old_place(queue, task)? {
        let list = queue.name.ready(priority);
        match end {
            End::Head => queue.keys.lpush(list, &[&task.id])?,
            End::Tail => queue.keys.rpush(list, &[&task.id])?,
        }
    }
    queue.memory().maybe_ready |= 1 << priority;
    Ok(())
}

/// Puts tasks that have no ghosts at the tail of the list of this priority.
pub(crate) fn push_all(queue: &mut Queue<'_>, priority: u8, ids: &[&[u8]]) -> Result<()> {
    queue.keys.rpush(queue.name.ready(priority), ids)?;
    queue.memory().maybe_ready |= 1 << priority;
    Ok(())
}

/// Whether the list of the task's priority still has its id; if so, that id counts again.
pub(crate) fn take_old_place(queue: &mut Queue<'_>, task: &mut Task) -> Result<bool> {
    let priority = task.header.priority;
    if !task.header.is_ghost(priority) {
        return Ok(false);
    }
    task.header.ghosts &= !(1 << priority);
    // If somebody deleted the list, its place is gone.
    let there = queue.keys.llen(queue.name.ready(priority))? > 0;
    change_ghosts(queue, priority, -1)?;
    Ok(there)
}

/// Takes a task out of its list without touching the list: its id stays as a ghost.
pub(crate) fn leave(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    let priority = task.header.priority;
    if !task.header.is_ghost(priority) {
        task.header.ghosts |= 1 << priority;
        change_ghosts(queue, priority, 1)?;
    }
    Ok(())
}

/// Pops the next task of the list of this priority. Ids that do not count are removed on the way; each costs one of the
/// budget.
pub(crate) fn pop(queue: &mut Queue<'_>, priority: u8, budget: &mut usize) -> Result<Option<Loaded>> {
    let mut ghosts = 0;
    let mut found = None;
    while *budget > 0 {
        let Some(id) = queue.keys.lpop(queue.name.ready(priority))? else {
            break;
        };
        let value = queue.keys.get(queue.name.task(&id)).unwrap_or(None);
        let header = value.as_deref().map(Header::read);
        match (header, value) {
            (Some(Ok(header)), Some(value)) if counts(queue, &header, priority) => {
                let task = Task::of(id, header);
                found = Some(Loaded { task, value });
                break;
            }
            (Some(Err(Unreadable::Later)), _) => {
                *budget -= 1;
                if later::rotate(queue, priority, &id)? {
                    break;
                }
            }
            (header, _) => {
                *budget -= 1;
                let task = header.and_then(Result::ok).map(|header| Task::of(id, header));
                ghosts += i64::from(discard(queue, priority, task)?);
            }
        }
    }
    change_ghosts(queue, priority, -ghosts)?;
    Ok(found)
}

/// Changes the stored number of ghosts in one list.
pub(crate) fn change_ghosts(queue: &mut Queue<'_>, priority: u8, by: i64) -> Result<()> {
    if by == 0 {
        return Ok(());
    }
    let before = queue.settings.ghosts(priority);
    let now = u32::try_from(i64::from(before).saturating_add(by)).unwrap_or(0);
    if now == before {
        return Ok(());
    }
    let field = ghosts_field(priority).as_bytes();
    if now == 0 {
        queue.keys.hdel(queue.name.queue(), &[field])?;
    } else {
        let now = now.to_string();
        queue.keys.hset(queue.name.queue(), &[(field, now.as_bytes())])?;
    }
    let crowded = now as usize * 2 > queue.keys.llen(queue.name.ready(priority))?;
    queue.change_settings(|settings| settings.set_ghosts(priority, now));
    if by > 0 && crowded {
        queue.wake_now();
    }
    Ok(())
}

/// How many tasks are in the lists, ghosts not counted.
pub(crate) fn count(queue: &mut Queue<'_>) -> Result<usize> {
    let mut count = 0;
    for priority in 0..PRIORITIES {
        let length = queue.keys.llen(queue.name.ready(priority))?;
        count += length.saturating_sub(queue.settings.ghosts(priority) as usize);
    }
    Ok(count)
}

/// The priorities of these bits, the most urgent first.
pub(crate) fn priorities(bits: u16) -> impl Iterator<Item = u8> {
    let mut left = bits & ALL_READY;
    std::iter::from_fn(move || {
        let first = left.trailing_zeros();
        left &= left.checked_sub(1)?;
        u8::try_from(first).ok()
    })
}

/// Whether there may be something to claim in the lists.
pub(crate) fn has_any(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.memory();
    let empty = memory.later_lists.empty() & !memory.maybe_ready;
    for priority in priorities(!empty) {
        if queue.keys.llen(queue.name.ready(priority))? > queue.settings.ghosts(priority) as usize {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an id in the list of this priority counts.
pub(crate) fn counts(queue: &Queue<'_>, header: &Header, priority: u8) -> bool {
    header.state == TaskState::Waiting
        && header.priority == priority
        && !header.is_ghost(priority)
        && !header.has(TARGETED)
        && queue.has(header)
}

/// Deals with an id that was removed from the list of this priority and does not count: clears its bit, and deletes a
/// record that stayed only for it. Returns whether it was a ghost.
pub(crate) fn discard(queue: &mut Queue<'_>, priority: u8, task: Option<Task>) -> Result<bool> {
    let Some(mut task) = task else {
        queue.log_skip("an id without a record in a ready list");
        return Ok(false);
    };
    if !task.header.is_ghost(priority) {
        queue.log_skip("an id in a ready list it does not belong to");
        return Ok(false);
    }
    task.header.ghosts &= !(1 << priority);
    if task.header.state == TaskState::Removed && task.header.ghosts == 0 {
        queue.keys.del(queue.name.task(&task.id));
    } else {
        queue.write_header(&task)?;
    }
    Ok(true)
}

/// Errors with `WrongType` unless the list of this priority may be written.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, priority: u8) -> Result<()> {
    queue.keys.ensure_type(queue.name.index(Index::Ready(priority)))
}

/// Errors with `WrongType` unless the numbers of ghosts may be written, if there are any that may change.
pub(crate) fn ensure_ghost_counts(queue: &mut Queue<'_>) -> Result<()> {
    if !queue.settings.has_ghosts() {
        return Ok(());
    }
    queue.keys.ensure_type(queue.name.queue())
}

/// Errors with `WrongType` unless all ready lists and the numbers of ghosts may be written.
pub(crate) fn ensure_all_types(queue: &mut Queue<'_>) -> Result<()> {
    queue.keys.ensure_type(queue.name.queue())?;
    (0..PRIORITIES).try_for_each(|priority| ensure_types(queue, priority))
}
