//! Numbers of workers that are gone.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::queue::Rebase;
use crate::task;
use crate::time::{Ms, SECOND};
use crate::unit::Unit;

/// Numbers of workers that claimed nothing for this long are freed, ms.
pub const CHECK: Ms = 60 * SECOND;

/// Frees the numbers of workers that hold nothing and claimed nothing since the last time.
pub fn clean(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let now = unit.env.steady;
    if unit.memory.queue(name).rebase != Rebase::Done {
        return Ok(());
    }
    if task::worker_numbers(unit, name)?.all().next().is_none() {
        return Ok(());
    }
    let queue = unit.memory.queue(name);
    if now.since(queue.cleaned) < CHECK {
        let next = queue.cleaned.after(CHECK);
        unit.memory.agenda.at_steady(name, next);
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
        unit.keys.hdel(name.workers(), &fields)?;
        let numbers = task::worker_numbers(unit, name)?;
        for number in unused {
            numbers.remove(number);
        }
    }
    unit.memory.agenda.at_steady(name, now.after(CHECK));
    Ok(())
}
