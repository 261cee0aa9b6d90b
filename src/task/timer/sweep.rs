//! The records of dropped queues.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::task::commands::drop;
use crate::task::index::{dependencies, group, ready, targeted};
use crate::tx::Tx;

/// Tasks of a dropped queue that go in one slice.
const SWEPT: usize = 64;

/// Removes the records of a dropped queue.
pub(super) fn sweep(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    let Some(number) = drop::unswept(settings) else {
        return Ok(false);
    };
    for index in Index::ALL {
        let key = name.dropped(number, index);
        let mut ids = Vec::new();
        if matches!(index, Index::Ready(_)) {
            while ids.len() < SWEPT {
                match tx.keys.lpop(key) {
                    Ok(Some(id)) => ids.push(id.into_vec()),
                    Ok(None) => break,
                    Err(_) => {
                        tx.keys.del(key);
                    }
                }
            }
        } else if let Ok(members) = tx.keys.zlowest(key, i64::MAX, SWEPT) {
            if !members.is_empty() {
                tx.keys.zrem_lowest(key, members.len())?;
            }
            ids.extend(members.into_iter().map(|(_, id)| id));
        } else {
            tx.keys.del(key);
        }
        for id in &ids {
            let dropped = ready::look(tx, name, id).filter(|record| record.fence < number);
            if let Some(record) = dropped {
                group::leave(tx, name, id, &record);
                targeted::forget(tx, name, id, &record);
                dependencies::unlink(tx, name, id, &record);
                tx.keys.del(name.task(id));
                tx.keys.del(name.options(id));
            }
        }
        if !ids.is_empty() {
            return Ok(true);
        }
    }
    let rest: Vec<u64> = settings.drops.iter().copied().filter(|drop| *drop != number).collect();
    let more = !rest.is_empty();
    drop::write(tx, name, rest)?;
    Ok(more)
}
