//! The records of dropped queues.

use crate::error::Result;
use crate::names::Index;
use crate::task::handle::Queue;
use crate::task::index::{dependencies, group, targeted};

/// Tasks of a dropped queue that one slice removes.
const SWEPT: usize = 64;

/// Removes the records of the oldest drop.
pub(super) fn sweep(queue: &mut Queue<'_>) -> Result<bool> {
    let Some(number) = queue.settings.drops.first().copied() else {
        return Ok(false);
    };
    for index in Index::ALL {
        let key = queue.name.dropped(number, index);
        let mut ids = Vec::new();
        if matches!(index, Index::Ready(_)) {
            while ids.len() < SWEPT {
                match queue.keys.lpop(key) {
                    Ok(Some(id)) => ids.push(id.into_vec()),
                    Ok(None) => break,
                    Err(_) => {
                        queue.keys.del(key);
                    }
                }
            }
        } else if let Ok(members) = queue.keys.zlowest(key, i64::MAX, SWEPT) {
            if !members.is_empty() {
                queue.keys.zrem_lowest(key, &members)?;
            }
            ids.extend(members.into_iter().map(|(_, id)| id));
        } else {
            queue.keys.del(key);
        }
        for id in &ids {
            let dropped = queue.read_header(id).filter(|task| task.header.fence < number);
            if let Some(task) = dropped {
                group::leave(queue, &task);
                targeted::forget(queue, &task);
                dependencies::unlink(queue, &task);
                queue.keys.del(queue.name.task(id));
                queue.keys.del(queue.name.options(id));
            }
        }
        if !ids.is_empty() {
            return Ok(true);
        }
    }
    let rest: Vec<u64> = queue
        .settings
        .drops
        .iter()
        .copied()
        .filter(|drop| *drop != number)
        .collect();
    let more = !rest.is_empty();
    queue.store_drops(rest)?;
    Ok(more)
}
