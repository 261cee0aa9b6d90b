//! The claims of members that went.

use crate::unit::Unit;

/// Ends the claims of the members that went in this unit, in every queue that follows their service.
pub fn settle(unit: &mut Unit<'_>) {
    unit.memory.presence.gone.clear();
}
