//! Numbers of workers that are gone.

use crate::error::Result;
use crate::names::Name;
use crate::state::queue::Rebase;
use crate::task;
use crate::time::{Ms, SECOND};
use crate::tx::Tx;

/// Numbers of workers that claimed nothing for this long are freed, ms.
pub(crate) const CHECK: Ms = 60 * SECOND;

/// Frees the numbers of workers that hold nothing and claimed nothing since the last time.
pub(crate) fn clean(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    let now = tx.context.steady;
    if tx.state.queue(name).rebase != Rebase::Done {
        return Ok(());
    }
    if task::worker_numbers(tx, name)?.all().next().is_none() {
        return Ok(());
    }
    let queue = tx.state.queue(name);
    if now.since(queue.cleaned) < CHECK {
        let next = queue.cleaned.after(CHECK);
        tx.state.wakeups.at_steady(name, next);
        return Ok(());
    }
    let active = std::mem::take(&mut queue.active);
    queue.cleaned = now;
    let unused: Vec<u32> = queue
        .workers
        .iter()
        .flat_map(|numbers| numbers.all())
        .map(|(number, _)| number)
        .filter(|number| !active.contains(number) && queue.claims.count(*number) == 0)
        .collect();
    if !unused.is_empty() {
        let fields: Vec<String> = unused.iter().map(u32::to_string).collect();
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        tx.keys.hdel(name.workers(), &fields)?;
        let numbers = task::worker_numbers(tx, name)?;
        for number in unused {
            numbers.remove(number);
        }
    }
    tx.state.wakeups.at_steady(name, now.after(CHECK));
    Ok(())
}
