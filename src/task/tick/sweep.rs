//! The records of dropped queues.

use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::{addressed, after, drop, group, ready};
use crate::unit::Unit;

/// Tasks of a dropped queue that go in one slice.
const SWEPT: usize = 64;

/// Removes the records of a dropped queue.
pub fn sweep(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    let Some(number) = drop::unswept(settings) else {
        return Ok(false);
    };
    for index in Index::ALL {
        let key = name.dropped(number, index);
        let mut ids = Vec::new();
        if matches!(index, Index::Ready(_)) {
            while ids.len() < SWEPT {
                match unit.keys.lpop(key) {
                    Ok(Some(id)) => ids.push(id.into_vec()),
                    Ok(None) => break,
                    Err(_) => {
                        unit.keys.del(key);
                    }
                }
            }
        } else if let Ok(members) = unit.keys.zlowest(key, i64::MAX, SWEPT) {
            if !members.is_empty() {
                unit.keys.zrem_lowest(key, members.len())?;
            }
            ids.extend(members.into_iter().map(|(_, id)| id));
        } else {
            unit.keys.del(key);
        }
        for id in &ids {
            let dropped = ready::look(unit, name, id).filter(|record| record.fence < number);
            if let Some(record) = dropped {
                group::leave(unit, name, id, &record);
                addressed::forget(unit, name, id, &record);
                after::unlink(unit, name, id, &record);
                unit.keys.del(name.task(id));
                unit.keys.del(name.extra(id));
            }
        }
        if !ids.is_empty() {
            return Ok(true);
        }
    }
    let rest: Vec<u64> = settings.drops.iter().copied().filter(|drop| *drop != number).collect();
    let more = !rest.is_empty();
    drop::write(unit, name, rest)?;
    Ok(more)
}
