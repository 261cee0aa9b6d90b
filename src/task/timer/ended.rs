//! Claims that ended without a command of their worker.

use crate::error::Result;
use crate::task::handle::Queue;
use crate::task::revoke;

/// Claims that end in one slice.
const ENDED: usize = 32;

/// Puts back the tasks of claims whose connection closed, whose client was gone or whose member is gone.
pub(super) fn end_claims(queue: &mut Queue<'_>) -> Result<bool> {
    revoke::put_back(queue, ENDED)?;
    Ok(!queue.memory().ended.is_empty())
}
