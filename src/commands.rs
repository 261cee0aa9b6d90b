//! The one list of all commands.

use crate::task;
use crate::unit::Command;

/// Something done once for every command: registration, the README's table, the tests.
pub trait Visitor {
    /// Meets one command.
    fn visit<C: Command>(&mut self);
}

/// Shows every command to the visitor, in the order of the documentation.
pub fn visit_all(visitor: &mut impl Visitor) {
    visitor.visit::<task::schedule::Schedule>();
    visitor.visit::<task::mschedule::MSchedule>();
    visitor.visit::<task::claim::Claim>();
    visitor.visit::<task::claim::MClaim>();
    visitor.visit::<task::ack::Ack>();
    visitor.visit::<task::ack::MAck>();
    visitor.visit::<task::fail::Fail>();
    visitor.visit::<task::release::Release>();
    visitor.visit::<task::extend::Extend>();
    visitor.visit::<task::cancel::Cancel>();
    visitor.visit::<task::reschedule::Reschedule>();
    visitor.visit::<task::get::Get>();
    visitor.visit::<task::list::List>();
    visitor.visit::<task::workers::Workers>();
    visitor.visit::<task::stats::Stats>();
    visitor.visit::<task::queues::Queues>();
    visitor.visit::<task::pause::Pause>();
    visitor.visit::<task::pause::Resume>();
    visitor.visit::<task::config::ConfigGet>();
    visitor.visit::<task::config::ConfigSet>();
    visitor.visit::<task::retry::Retry>();
    visitor.visit::<task::retry::RetryAll>();
    visitor.visit::<task::purge::Purge>();
    visitor.visit::<task::drop::Drop>();
    visitor.visit::<task::help::Help>();
}
