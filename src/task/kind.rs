//! KIND: what sort of work a task is. The header has a number, which the settings of the queue name; of more than a
//! thousand kinds the names of the others are in the options of their tasks, and they are counted as one.

use std::rc::Rc;

use crate::error::Result;
use crate::names::Index;
use crate::settings::kinds::{OTHER, field};
use crate::state::queue::KindStats;
use crate::task::handle::{Queue, Task, WORKERS_KEPT};

/// What all kinds without a number are counted as.
const OTHERS: &str = "other";

/// The number of a kind; a new one is stored with the settings.
pub(crate) fn number(queue: &mut Queue<'_>, name: &str) -> Result<u16> {
    if let Some(number) = queue.settings.kinds.number(name) {
        return Ok(number);
    }
    let Some(number) = queue.settings.kinds.free() else {
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
    if task.header.kind == 0 {
        return;
    }
    let name = queue.settings.kinds.name(task.header.kind).cloned();
    let kinds = queue.memory().kinds.get_or_insert_default();
    kinds.count(name.as_deref().unwrap_or(OTHERS), OTHERS, add);
}

/// Frees all numbers once the queue has neither tasks nor workers: no record has one of them any more.
pub(crate) fn clean(queue: &mut Queue<'_>) -> Result<()> {
    if queue.settings.kinds.is_empty() {
        return Ok(());
    }
    if !queue.worker_numbers()?.is_empty() {
        // They go first, and only when nobody claims any more.
        return Ok(());
    }
    if Index::ALL
        .iter()
        .any(|index| queue.keys.exists(queue.name.index(*index)))
    {
        queue.wake_at_steady(queue.context.steady.after(WORKERS_KEPT));
        return Ok(());
    }
    let fields = queue.settings.kinds.fields();
    let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
    queue.keys.hdel(queue.name.queue(), &fields)?;
    queue.change_settings(|settings| settings.kinds = Default::default());
    Ok(())
}
