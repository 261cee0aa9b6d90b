//! Numbers of workers that are gone.

use crate::error::Result;
use crate::state::queue::{Cleaning, Rebase};
use crate::task::handle::{Queue, WORKERS_KEPT};

/// Workers that are checked in one slice.
const CHECKED: usize = 256;

/// Frees the numbers of workers that have no claims and made none since the last time. Returns whether there are more
/// to check.
pub(crate) fn clean(queue: &mut Queue<'_>) -> Result<bool> {
    let now = queue.context.steady;
    if queue.memory().rebase != Rebase::Done || queue.worker_numbers()?.is_empty() {
        return Ok(false);
    }
    let memory = queue.memory();
    if memory.cleaning.is_none() {
        if now.since(memory.cleaned) < WORKERS_KEPT {
            let next = memory.cleaned.after(WORKERS_KEPT);
            queue.wake_at_steady(next);
            return Ok(false);
        }
        memory.cleaned = now;
        let active = std::mem::take(&mut memory.active);
        memory.cleaning = Some(Cleaning { active, from: 0 });
    }
    if free_some(queue)? {
        return Ok(true);
    }
    queue.memory().cleaning = None;
    queue.wake_at_steady(now.after(WORKERS_KEPT));
    Ok(false)
}

/// Checks the next workers. Returns whether there are more.
fn free_some(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.memory();
    let (Some(cleaning), Some(workers)) = (&mut memory.cleaning, &memory.workers) else {
        return Ok(false);
    };
    let numbers = workers.from(cleaning.from).map(|(number, _)| number);
    let numbers: Vec<u32> = numbers.take(CHECKED).collect();
    let Some(last) = numbers.last() else {
        return Ok(false);
    };
    cleaning.from = last.saturating_add(1);
    let mut unused = numbers.clone();
    unused.retain(|number| {
        let is_active = cleaning.active.contains(number) || memory.active.contains(number);
        !is_active && memory.claims.count(*number) == 0
    });
    if !unused.is_empty() {
        let fields: Vec<String> = unused.iter().map(u32::to_string).collect();
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        queue.keys.hdel(queue.name.workers(), &fields)?;
        let workers = queue.worker_numbers()?;
        for number in unused {
            workers.remove(number);
        }
    }
    Ok(numbers.len() == CHECKED)
}
