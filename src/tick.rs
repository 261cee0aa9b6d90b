//! What time moves, one slice a name.

use crate::names::Name;
use crate::unit::Unit;
use crate::{proc, task};

/// One slice of work for the name whose moment has come: members that died and what they held, claims that ended
/// without a command, tasks that are due, leases that ran out. Plans the name's next moment on the agenda.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    if unit.memory.presence.known(name).is_some() {
        proc::tick::run(unit, name);
        task::gone::settle(unit);
        task::settle::settle(unit);
    }
    if unit.memory.known_queue(name).is_some() {
        task::tick::run(unit, name);
    }
}
