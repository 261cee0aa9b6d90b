//! What time moves, one slice a queue.

use crate::names::Name;
use crate::task;
use crate::unit::Unit;

/// One slice of work for the queue whose moment has come: claims that ended without a command, tasks that are
/// due, leases that ran out. Plans the queue's next moment on the agenda.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    task::tick::run(unit, name);
}
