//! What follows from the ends of tasks, at the end of the unit that ended them. Not before: a task that is about to
//! end may still look like one that waits, and a loop over tasks must not meet those that it set free.

use crate::task::{after, group, serve};
use crate::unit::Unit;

/// Sets free what waited for the tasks that ended in this unit, and serves the queues in which something became ready.
pub fn settle(unit: &mut Unit<'_>) {
    set_free(unit);
    if !unit.memory.to_serve.is_empty() {
        for queue in std::mem::take(&mut unit.memory.to_serve) {
            serve::serve(unit, &queue);
        }
    }
}

/// Sets free what waited for the tasks that ended so far; serves nobody.
pub fn set_free(unit: &mut Unit<'_>) {
    after::settle(unit);
    // Looked at before it is taken: most units have nothing there, and taking a set costs more.
    if !unit.memory.turns.is_empty() {
        group::settle(unit);
    }
}
