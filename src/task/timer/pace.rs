//! How often what cannot be dealt with is tried again.

use crate::time::{Ms, SECOND};

/// What could not be dealt with is tried again after this long, ms.
pub(super) const RETRY: Ms = SECOND;
/// A lease that is held for another turn of the event loop is looked at again after this long, ms.
pub(super) const TURN: Ms = 10;
