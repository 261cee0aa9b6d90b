//! Numbers of workers that are gone.

use crate::error::Result;
use crate::state::queue::Rebase;
use crate::task::handle::{Queue, WORKERS_KEPT};

/// Frees the numbers of workers that have no claims and made none since the last time.
pub(crate) fn clean(queue: &mut Queue<'_>) -> Result<()> {
    let now = queue.context.steady;
    if queue.memory().rebase != Rebase::Done {
        return Ok(());
    }
    if queue.worker_numbers()?.all().next().is_none() {
        return Ok(());
    }
    let memory = queue.memory();
    if now.since(memory.cleaned) < WORKERS_KEPT {
        let next = memory.cleaned.after(WORKERS_KEPT);
        queue.wake_at_steady(next);
        return Ok(());
    }
    let active = std::mem::take(&mut memory.active);
    memory.cleaned = now;
    let unused: Vec<u32> = memory
        .workers
        .iter()
        .flat_map(|numbers| numbers.all())
        .map(|(number, _)| number)
        .filter(|number| !active.contains(number) && memory.claims.count(*number) == 0)
        .collect();
    if !unused.is_empty() {
        let fields: Vec<String> = unused.iter().map(u32::to_string).collect();
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        queue.keys.hdel(queue.name.workers(), &fields)?;
        let numbers = queue.worker_numbers()?;
        for number in unused {
            numbers.remove(number);
        }
    }
    queue.wake_at_steady(now.after(WORKERS_KEPT));
    Ok(())
}
