//! What time moves, one slice a queue.

use crate::names::Name;
use crate::unit::Unit;

/// One slice of work for the queue whose moment has come: what ended without a command, what is due, what
/// ran out. Plans the queue's next moment on the agenda.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    let _ = (unit, name);
}
