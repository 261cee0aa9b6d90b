//! The records of dropped queues.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::Queue;
use crate::task::index::{dependencies, group, later, targeted};

/// Tasks of dropped queues that one slice removes.
const SWEPT: usize = 64;
/// So many dependencies of a task cost as much as another task.
const EDGES: usize = 16;

/// Removes a slice of the records of unfinished drops. The newest drop comes first, so that many small ones do not pile
/// up behind a large one. Returns whether there is more to do at once.
pub(crate) fn sweep(queue: &mut Queue<'_>) -> Result<bool> {
    let drops = queue.settings.drops.clone();
    let Some((newest, older)) = drops.split_last() else {
        return Ok(false);
    };
    let mut slice = Slice {
        left: SWEPT,
        removed: false,
        unreadable: Vec::new(),
    };
    let mut rest = Vec::new();
    for index in Index::ALL.into_iter().filter(|index| *index != Index::Dead) {
        slice.sweep(queue, *newest, index)?;
    }
    let newest_is_through = slice.left > 0;
    for number in older.iter().rev() {
        for index in Index::ALL {
            slice.sweep(queue, *number, index)?;
        }
        if slice.left == 0 {
            rest.push(*number);
        }
    }
    // The last set that is swept ends with the records of a later version. They wait for a server that can tell when
    // they were made, hold up nothing, and are older than the newest drop, too.
    slice.sweep(queue, *newest, Index::Dead)?;
    let now = queue.context.wall.0;
    let later: Vec<(i64, &[u8])> = slice.unreadable.iter().map(|id| (now, id.as_slice())).collect();
    if !later.is_empty() {
        queue.keys.zadd(queue.name.dropped(*newest, Index::Dead), &later)?;
    }
    if !newest_is_through || queue.keys.zcard(queue.name.dropped(*newest, Index::Dead))? > 0 {
        rest.push(*newest);
    }
    let more = !rest.is_empty();
    if rest.len() < drops.len() {
        rest.sort_unstable();
        queue.store_drops(rest)?;
    }
    if more && !slice.removed {
        let again = queue.context.steady.after(later::RETRY);
        queue.wake_at_steady(again);
    }
    Ok(more && slice.removed)
}

struct Slice {
    /// Tasks that may still be removed.
    left: usize,
    /// Whether any was.
    removed: bool,
    /// Those of a later version.
    unreadable: Vec<Vec<u8>>,
}

impl Slice {
    /// Removes the records of one index of a drop.
    fn sweep(&mut self, queue: &mut Queue<'_>, number: u64, index: Index) -> Result<()> {
        while self.left > 0
            && let Some(id) = pop(queue, number, index)?
        {
            let edges = queue.state.work.edges;
            if remove(queue, number, &id) {
                self.removed = true;
            } else {
                self.unreadable.push(id);
            }
            let cost = 1 + (queue.state.work.edges - edges) / EDGES;
            self.left = self.left.saturating_sub(cost);
        }
        Ok(())
    }
}

/// Takes an id out of one of the indexes of a drop. One of another type is removed.
fn pop(queue: &mut Queue<'_>, number: u64, index: Index) -> Result<Option<Vec<u8>>> {
    let key = queue.name.dropped(number, index);
    if matches!(index, Index::Ready(_)) {
        if let Ok(id) = queue.keys.lpop(key) {
            return Ok(id.map(|id| id.into_vec()));
        }
    } else if let Ok(mut lowest) = queue.keys.zlowest(key, i64::MAX, 1) {
        if !lowest.is_empty() {
            queue.keys.zrem_lowest(key, &lowest)?;
        }
        return Ok(lowest.pop().map(|(_, id)| id));
    }
    queue.keys.del(key);
    Ok(None)
}

/// Removes what is left of a dropped task. Returns `false` if its record is of a later version.
fn remove(queue: &mut Queue<'_>, number: u64, id: &[u8]) -> bool {
    match queue.read_header(id) {
        Some(mut task) if task.header.fence < number => {
            group::leave(queue, &task);
            targeted::forget(queue, &task);
            dependencies::unlink(queue, &task);
            dependencies::dropped(queue, &mut task);
            queue.keys.del(queue.name.task(id));
            queue.keys.del(queue.name.options(id));
            true
        }
        Some(_) => true,
        None => !later::is_later(queue, id),
    }
}
