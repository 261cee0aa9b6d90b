//! Claims that ended without a command of their holder.

use crate::error::Result;
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::Ended;
use crate::task::header::TaskState;
use crate::task::{self, lifecycle};
use crate::tx::Tx;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Puts back the tasks of claims whose connection closed, whose client was gone or whose member went.
pub(crate) fn end_claims(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    put_back(tx, name, settings, ENDED)?;
    Ok(!tx.state.queue(name).ended.is_empty())
}

/// Puts back the tasks of the latest claims that ended, so many at most; replies how many. The caller serves.
pub(crate) fn put_back(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings, most: usize) -> Result<usize> {
    // From the last to the first: each goes before the head, so that they stand in claim order again.
    let latest = tx.state.queue(name).ended.iter().rev().take(most);
    let latest: Vec<(u64, Ended)> = latest.map(|(token, ended)| (*token, ended.clone())).collect();
    let claimed = name.index(Index::Claimed);
    let mut over: Vec<&[u8]> = Vec::with_capacity(latest.len());
    let mut claims = Vec::with_capacity(latest.len());
    for (token, Ended { id, lost }) in &latest {
        match task::find(tx, name, id, settings) {
            Ok(Some(record)) if record.state == TaskState::Claimed && record.fence == *token => {
                lifecycle::ensure_end_types(tx, name, id, &record, settings)?;
                over.push(id);
                claims.push((id, *lost, record));
            }
            // Its record was deleted by hand: it must not count as claimed for ever.
            Ok(None) if tx.keys.zscore(claimed, id).unwrap_or(None).is_some() => over.push(id),
            _ => {}
        }
    }
    if !over.is_empty() {
        tx.keys.zrem(claimed, &over)?;
    }
    for (id, lost, mut record) in claims {
        match lost {
            Some(why) => lifecycle::lose(tx, name, id, &mut record, why, settings)?,
            None => lifecycle::give_back(tx, name, id, &mut record, None, settings)?,
        };
    }
    let queue = tx.state.queue(name);
    for (token, _) in &latest {
        queue.ended.remove(token);
    }
    Ok(latest.len())
}
