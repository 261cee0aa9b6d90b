//! KIND: what sort of work a task is. The header has a number, which the settings of the queue name; of more than a
//! thousand kinds the names of the others are in the options of their tasks, and they are counted as one.

use std::rc::Rc;

use crate::error::Result;
use crate::settings::kinds::{OTHER, field};
use crate::state::queue::{KindStats, KindWalk};
use crate::task::handle::{Queue, Task, WORKERS_KEPT};

/// The number of a kind; a new one is stored with the settings.
pub(crate) fn number(queue: &mut Queue<'_>, name: &str) -> Result<u16> {
    if let Some(number) = queue.settings.kinds.number(name) {
        if queue.settings.kinds.is_full() {
            queue.memory().see_kind(number);
        }
        return Ok(number);
    }
    let Some(number) = queue.settings.kinds.free() else {
        want_walk(queue);
        return Ok(OTHER);
    };
    let hash = queue.name.queue();
    queue.keys.hset(hash, &[(field(number).as_bytes(), name.as_bytes())])?;
    queue.change_settings(|settings| settings.kinds.insert(number, name));
    queue.wake_at_steady(queue.context.steady.after(WORKERS_KEPT));
    Ok(number)
}

/// The kind of a task, if it has one.
pub(crate) fn of(queue: &mut Queue<'_>, task: &Task) -> Option<Rc<str>> {
    match task.header.kind {
        0 => None,
        OTHER => task.options(queue).kind.as_deref().map(Rc::from),
        number => queue.settings.kinds.name(number).cloned(),
    }
}

/// Counts something that happened to a task, with those of its kind.
pub(crate) fn count(queue: &mut Queue<'_>, task: &Task, add: impl FnOnce(&mut KindStats)) {
    if task.header.kind != 0 {
        count_of(queue, task.header.kind, add);
    }
}

/// Kept apart, so that it costs tasks without a kind nothing.
#[inline(never)]
fn count_of(queue: &mut Queue<'_>, number: u16, add: impl FnOnce(&mut KindStats)) {
    let settings = queue.settings.clone();
    let name = settings.kinds.name(number);
    let counts = queue.memory().kinds.get_or_insert_default();
    counts.count(name.map(|name| &**name), &settings.kinds, add);
}

/// No number is free: the timer looks for some that are not in use, unless it did so not long ago.
fn want_walk(queue: &mut Queue<'_>) {
    let now = queue.context.steady;
    let memory = queue.memory();
    let is_old = |walk: &KindWalk| walk.is_over && now.since(walk.begun) >= WORKERS_KEPT;
    if memory.kind_walk.as_deref().is_none_or(is_old) {
        memory.kind_walk = Some(Box::new(KindWalk::new(now)));
        queue.wake_now();
    }
}
