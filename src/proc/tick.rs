//! What time moves in one service, a slice at a time.

use crate::names::Name;
use crate::unit::Unit;

/// One slice of everything that is due in the service.
pub fn run(_unit: &mut Unit<'_>, _name: &Name) {}
