//! Numbers of kinds that are not in use.

use crate::error::Result;
use crate::names::Index;
use crate::settings::kinds::field;
use crate::state::queue::Rebase;
use crate::task::handle::{Queue, WORKERS_KEPT};
use crate::task::header::HEADER_LEN;
use crate::task::index::later;
use crate::task::walk::{self, Route};

/// The states that a walk looks at, in this order: a task that becomes due is scheduled first.
const STATES: [&str; 6] = ["scheduled", "blocked", "ready", "claimed", "done", "dead"];
/// Tasks that it looks at in one slice.
const LOOKED_AT: usize = 256;

/// Frees all numbers once the queue has neither tasks nor workers: no record has one of them any more. When they are
/// used up, looks for some that are not in use. Returns whether there is more to do at once.
pub(crate) fn clean(queue: &mut Queue<'_>) -> Result<bool> {
    if queue.settings.kinds.is_empty() {
        return Ok(false);
    }
    if walk(queue)? {
        return Ok(true);
    }
    if !queue.worker_numbers()?.is_empty() {
        // They go first, and only when nobody claims any more.
        return Ok(false);
    }
    if Index::ALL
        .iter()
        .any(|index| queue.keys.exists(queue.name.index(*index)))
    {
        queue.wake_at_steady(queue.context.steady.after(WORKERS_KEPT));
        return Ok(false);
    }
    queue.memory().kind_walk = None;
    let all = queue.settings.kinds.numbers().collect();
    free(queue, all)?;
    Ok(false)
}

/// Looks at the next tasks, and at the end frees the numbers that none of them has. Returns whether there are more.
fn walk(queue: &mut Queue<'_>) -> Result<bool> {
    let memory = queue.memory();
    let Some(walk) = memory.kind_walk.as_mut().filter(|walk| !walk.is_over) else {
        return Ok(false);
    };
    let (Some(state), Rebase::Done) = (STATES.get(walk.states), memory.rebase) else {
        return Ok(false);
    };
    let cursor = std::mem::take(&mut walk.cursor);
    let route = Route {
        state,
        cursor: Some(&cursor),
        count: LOOKED_AT,
        reverse: false,
        length: HEADER_LEN,
    };
    let (mut seen, mut later) = (Vec::new(), false);
    let next = walk::walk(queue, route, &mut |queue, found| {
        match found.task {
            Some(task) => seen.push(task.header.kind),
            None => later |= later::is_later(queue, &found.member.1),
        }
        Ok(Some(0))
    })?;
    let Some(walk) = &mut queue.memory().kind_walk else {
        return Ok(false);
    };
    walk.seen.extend(seen);
    if later {
        // Its kind cannot be read: nothing is freed.
        walk.is_over = true;
        return Ok(false);
    }
    if next != b"0" {
        walk.cursor = next;
        return Ok(true);
    }
    walk.states += 1;
    if walk.states < STATES.len() {
        return Ok(true);
    }
    walk.is_over = true;
    let seen = std::mem::take(&mut walk.seen);
    let unused = queue.settings.kinds.numbers().filter(|number| !seen.contains(number));
    let unused = unused.collect();
    free(queue, unused)?;
    Ok(false)
}

fn free(queue: &mut Queue<'_>, numbers: Vec<u16>) -> Result<()> {
    let fields: Vec<String> = numbers.iter().map(|number| field(*number)).collect();
    let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
    if fields.is_empty() {
        return Ok(());
    }
    queue.keys.hdel(queue.name.queue(), &fields)?;
    queue.change_settings(|settings| numbers.iter().for_each(|number| settings.kinds.remove(*number)));
    Ok(())
}
