//! The one list of all commands.

use crate::unit::Command;

/// Something done once for every command: registration, the README's table, the tests.
pub trait Visitor {
    /// Meets one command.
    fn visit<C: Command>(&mut self);
}

/// Shows every command to the visitor, in the order of the documentation.
pub fn visit_all(_visitor: &mut impl Visitor) {}
