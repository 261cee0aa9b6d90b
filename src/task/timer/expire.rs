//! Leases that ran out.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::{Loss, Rebase};
use crate::task::header::{Record, TaskState};
use crate::task::{self, lifecycle};
use crate::time::Steady;
use crate::tx::Tx;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Takes back the claims whose lease ran out, unless a stall or a freeze holds them.
pub(super) fn expire(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    if tx.state.queue(name).rebase != Rebase::Done {
        return Ok(false);
    }
    let claimed = name.index(Index::Claimed);
    let now = tx.context.steady;
    let over = if tx.state.stalls.until(now).is_some() {
        // Those that are held longest already are the first that may go.
        tx.keys.zlowest(claimed, now.0, ENDED)?
    } else {
        // The latest first: each slice goes before the head, so that all end up in claim order.
        let later = (now.0.saturating_add(1), Vec::new());
        tx.keys.zwalk(claimed, Some(&later), true, ENDED)?
    };
    let mut lost: Vec<(Vec<u8>, Record)> = Vec::new();
    let mut gone: Vec<Vec<u8>> = Vec::new();
    for (deadline, id) in &over {
        match task::find(tx, name, id, settings) {
            Ok(Some(record)) if record.state == TaskState::Claimed => {
                let held = !tx.state.stalls.may_expire(now, Steady(*deadline), record.lease);
                if !held {
                    lifecycle::ensure_end_types(tx, name, id, &record, settings)?;
                    lost.push((id.clone(), record));
                }
            }
            _ => {
                tx.state
                    .skip_foreign(name, "an id in the claimed set that nobody holds");
                gone.push(id.clone());
            }
        }
    }
    let ended: Vec<&[u8]> = lost
        .iter()
        .map(|(id, _)| id.as_slice())
        .chain(gone.iter().map(Vec::as_slice))
        .collect();
    if ended.is_empty() {
        return Ok(false);
    }
    tx.keys.zrem(claimed, &ended)?;
    // From the last to the first: each goes before the head.
    lost.sort_by_key(|(_, record)| std::cmp::Reverse(record.fence));
    for (id, record) in &mut lost {
        lifecycle::lose(tx, name, id, record, Loss::Lease, settings)?;
    }
    Ok(over.len() == ENDED)
}
