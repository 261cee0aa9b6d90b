//! Tasks that become due.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES, Part};
use crate::task::handle::{Queue, Task};
use crate::task::header::{TARGETED, TaskState};
use crate::task::index::{group, later, ready, targeted};
use crate::task::lifecycle;
use crate::task::new_task::SPECIAL;
use crate::task::timer::pace::RETRY;
use crate::time::Wall;

/// Tasks that become ready in one slice: larger batches save nothing more.
const PROMOTED: usize = 128;

/// Makes due tasks ready, in the order of their due times; those of a group without a free turn are blocked.
pub(super) fn promote(queue: &mut Queue<'_>) -> Result<bool> {
    let now = queue.context.wall;
    let due = queue
        .keys
        .zlowest(queue.name.index(Index::Scheduled), now.0, PROMOTED)?;
    if due.is_empty() {
        return Ok(false);
    }
    ready::ensure_ghost_counts(queue)?;
    let (tasks, later) = waiting(queue, &due);
    let lists = tasks.iter().fold(0, |lists, task| lists | 1 << task.header.priority);
    for priority in priorities(lists) {
        ready::ensure_types(queue, priority)?;
    }
    let (tasks, stuck) = apart(queue, tasks);
    queue.keys.zrem_lowest(queue.name.index(Index::Scheduled), &due)?;
    postpone(queue, &stuck)?;
    later::postpone(queue, Part::Scheduled, &later)?;
    let mut plain = Vec::with_capacity(tasks.len());
    for mut task in tasks {
        if !task.header.has(SPECIAL) || goes_to_list(queue, &mut task)? {
            plain.push(task);
        }
    }
    for priority in priorities(lists) {
        push(queue, priority, &mut plain)?;
    }
    for same in due.chunk_by(|(one, _), (other, _)| one == other) {
        let late = same.first().map_or(0, |(due, _)| now.since(Wall(*due)));
        queue.record_lateness(late, same.len() as u64);
    }
    queue.memory().maybe_ready |= lists;
    Ok(due.len() == PROMOTED)
}

/// The tasks of ids that are due, and the ids whose records are of a later version.
fn waiting<'i>(queue: &mut Queue<'_>, due: &'i [Scored]) -> (Vec<Task>, Vec<&'i [u8]>) {
    let mut tasks = Vec::with_capacity(due.len());
    let mut later = Vec::new();
    for (_, id) in due {
        match queue.read_header(id) {
            Some(task) if task.header.state == TaskState::Waiting && queue.has(&task.header) => tasks.push(task),
            None if later::is_later(queue, id) => later.push(id.as_slice()),
            _ => queue.log_skip("an id in the scheduled set that is no waiting task"),
        }
    }
    (tasks, later)
}

/// Separates from the tasks those that need a key of another type.
fn apart(queue: &mut Queue<'_>, tasks: Vec<Task>) -> (Vec<Task>, Vec<Task>) {
    tasks
        .into_iter()
        .partition(|task| !task.header.has(SPECIAL) || lifecycle::ensure_enqueue_types(queue, task).is_ok())
}

/// Schedules these tasks again for later, when somebody may have repaired the key, so that they do not stop the others.
fn postpone(queue: &mut Queue<'_>, stuck: &[Task]) -> Result<()> {
    if stuck.is_empty() {
        return Ok(());
    }
    queue.log_skip("a key of another type that a due task needs");
    let later = queue.context.wall.after(RETRY).0;
    let again: Vec<(i64, &[u8])> = stuck.iter().map(|task| (later, task.id.as_slice())).collect();
    queue.keys.zadd(queue.name.index(Index::Scheduled), &again)
}

fn priorities(lists: u16) -> impl Iterator<Item = u8> {
    (0..PRIORITIES).filter(move |priority| lists & (1 << priority) != 0)
}

/// Puts the tasks of this priority at the tail of its list, or in the places they still have there.
fn push(queue: &mut Queue<'_>, priority: u8, tasks: &mut [Task]) -> Result<()> {
    let mut pushed: Vec<&[u8]> = Vec::with_capacity(tasks.len());
    for task in tasks.iter_mut().filter(|task| task.header.priority == priority) {
        if !task.header.is_ghost(priority) {
            pushed.push(&task.id);
            continue;
        }
        let has_place = ready::take_old_place(queue, task)?;
        queue.write_header(task)?;
        if !has_place {
            pushed.push(&task.id);
        }
    }
    if !pushed.is_empty() {
        queue.keys.rpush(queue.name.ready(priority), &pushed)?;
    }
    Ok(())
}

/// Whether a special task goes to the ready list of its priority like others. If not, it has been put where it belongs.
fn goes_to_list(queue: &mut Queue<'_>, task: &mut Task) -> Result<bool> {
    if let Some(group) = group::of(queue, task)
        && !group::take_turn(queue, task, &group)?
    {
        lifecycle::block(queue, task)?;
    } else if !task.header.has(TARGETED) {
        return Ok(true);
    } else if targeted::push(queue, task)? {
        return Ok(false);
    }
    queue.write_header(task)?;
    Ok(task.header.state == TaskState::Waiting)
}
