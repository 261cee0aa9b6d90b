//! When the timer tries again what it could not deal with.

use crate::time::{Ms, SECOND};

/// What could not be dealt with is tried again after this long, ms.
pub(super) const RETRY: Ms = SECOND;
/// A lease whose end is delayed by another turn of the event loop is tried again after this long, ms.
pub(super) const TURN: Ms = 10;
