//! SCHEDULE with a unique key that another task has: refused, or with REPLACE that task becomes the new one.

use std::rc::Rc;

use crate::error::Result;
use crate::names::Id;
use crate::task::handle::{Queue, Task};
use crate::task::header::{TaskState, WITH_OPTIONS};
use crate::task::index::ready::{self, End};
use crate::task::index::{blocked, dependencies, expiry, group, scheduled, targeted, unique};
use crate::task::lifecycle;
use crate::task::new_task::NewTask;
use crate::task::options::{ERROR, OPTIONS, Options, PROGRESS, ReplaceArgs};

/// Whether the task of this id waits or is blocked and has the key of these options.
pub(crate) fn is_due(queue: &mut Queue<'_>, id: &[u8], options: &Options) -> bool {
    let key = options.unique.as_deref();
    key.is_some_and(|key| waiting(queue, id, key).is_some())
}

fn waiting(queue: &mut Queue<'_>, id: &[u8], key: &str) -> Option<Task> {
    let found = unique::find(queue, id, key);
    found.filter(|task| matches!(task.header.state, TaskState::Waiting | TaskState::Blocked))
}

/// Replaces the waiting or blocked task that has the key, if REPLACE is given and the ID is not another, and
/// returns its id; `None` if the key is free. Errors with `Duplicate` otherwise.
pub(crate) fn replace(
    queue: &mut Queue<'_>,
    new: &mut NewTask,
    id: Option<&str>,
    replace: Option<&ReplaceArgs>,
    payload: &[u8],
) -> Result<Option<Id>> {
    let Some(key) = new.options.unique.clone() else {
        return Ok(None);
    };
    let Some(holder) = unique::holder(queue, &key)? else {
        return Ok(None);
    };
    let is_it = id.is_none_or(|id| id.as_bytes() == holder.as_slice());
    match waiting(queue, &holder, &key) {
        Some(mut task)
            if let Some(args) = replace
                && is_it =>
        {
            if args.keep {
                new.due = task.header.due;
            }
            become_new(queue, &mut task, new, payload)?;
            Ok(Some(holder))
        }
        _ => {
            let task = queue.read_header(&holder).filter(|task| queue.has(&task.header));
            Err(queue.duplicate(&holder, task))
        }
    }
}

/// Gives the task the payload, the due time and the options of the new one, as if it had never run. Its dependencies
/// are dropped. Without a new priority it keeps its own. A ready task that stays ready keeps its place and its due
/// time; so does one in the line of a group that it stays in.
fn become_new(queue: &mut Queue<'_>, task: &mut Task, new: &mut NewTask, payload: &[u8]) -> Result<()> {
    let priority = new.priority.unwrap_or(task.header.priority);
    ensure_types(queue, task, priority)?;
    new.number_kind(queue)?;
    let is_blocked = task.header.state == TaskState::Blocked;
    let retargeted = is_retargeted(queue, task, new);
    let moves = moves(queue, task, new, retargeted)?;
    if new.options.expire.is_none() {
        expiry::remove(queue, task);
    }
    if moves {
        group::leave(queue, task);
        dependencies::unlink(queue, task);
        lifecycle::take_out(queue, task)?;
    }
    if retargeted {
        targeted::forget(queue, task);
    }
    let to = new.options.to.as_ref();
    if to.is_some_and(|worker| queue.settings.is_released(worker, task.header.fence)) {
        // It is for the worker that came back, not among the tasks released before.
        task.header.fence = queue.next_fence(task.header.fence);
    }
    write_options(queue, task, new)?;
    if retargeted {
        targeted::join(queue, task)?;
    }
    if moves {
        task.header.priority = priority;
        task.header.due = new.due;
        lifecycle::requeue(queue, task, Some(new.due), End::Tail)?;
    } else if is_blocked {
        task.header.priority = priority;
    } else {
        lifecycle::reschedule(queue, task, Some(new.due), priority)?;
        if task.header.state == TaskState::Waiting {
            expiry::start(queue, task, new.due.max(queue.context.wall))?;
        }
    }
    queue
        .keys
        .set(queue.name.task(&task.id), &task.header.write(), payload)?;
    unique::take(queue, &task.id, &new.options)
}

fn ensure_types(queue: &mut Queue<'_>, task: &Task, priority: u8) -> Result<()> {
    scheduled::ensure_types(queue)?;
    blocked::ensure_types(queue)?;
    queue.keys.ensure_type(queue.name.queue())?;
    queue.keys.ensure_type(queue.name.options(&task.id))?;
    expiry::ensure_types(queue, task)?;
    lifecycle::ensure_enqueue_types(queue, task)?;
    ready::ensure_types(queue, priority)
}

/// Whether the task has to leave the place where it waits.
fn moves(queue: &mut Queue<'_>, task: &Task, new: &NewTask, retargeted: bool) -> Result<bool> {
    let is_blocked = task.header.state == TaskState::Blocked;
    let is_later = new.due > queue.context.wall;
    let has_parents = is_blocked && dependencies::waits(queue, &task.id).is_some();
    Ok(group::of(queue, task) != new.options.group
        || has_parents
        || is_blocked && is_later
        || retargeted && !is_blocked && !queue.is_scheduled(task)?)
}

/// Whether the task gets another worker than before, or the same one after its tasks were released.
fn is_retargeted(queue: &mut Queue<'_>, task: &Task, new: &NewTask) -> bool {
    let was = targeted::worker(queue, task);
    was != new.options.to || was.is_some() && targeted::target(queue, task).is_none()
}

fn write_options(queue: &mut Queue<'_>, task: &mut Task, new: &NewTask) -> Result<()> {
    let fields = queue.name.options(&task.id);
    queue.keys.hset(fields, &[(OPTIONS, &new.options.to_json())])?;
    queue.keys.hdel(fields, &[ERROR, PROGRESS])?;
    task.header.attempts = 0;
    task.header.deliveries = 0;
    task.header.lease = 0;
    task.header.lost = 0;
    task.header.created = queue.context.wall;
    task.header.flags |= WITH_OPTIONS;
    new.flag(&mut task.header);
    task.set_options(Rc::new(new.options.clone()));
    Ok(())
}
