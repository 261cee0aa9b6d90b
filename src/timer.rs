//! The timer's work, one slice per name.

use crate::membership::overview as services;
use crate::membership::service::Service;
use crate::names::Name;
use crate::state::sums::Holds;
use crate::task;
use crate::task::overview as queues;
use crate::tx::Tx;

/// One slice of work for the name whose moment has come: dead members and their claims, claims that ended without a
/// command, tasks that are due, leases that ran out. Plans the name's next wakeup.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    if tx.state.services.known(name).is_some() {
        Service::of(tx, name).run_due();
        task::worklist::run(tx);
    }
    if tx.state.has_queue(name) {
        task::timer::run(tx, name);
    }
    if tx.state.has_queue(name) || tx.state.names.histories.has(name) {
        task::timer::history::run(tx, name);
    }
}

/// What the keys of a name hold, measured now if they may have changed.
pub(crate) fn holds(tx: &mut Tx<'_>, name: &Name) -> Holds {
    if !tx.state.is_measured(name) {
        tx.state.begin_to_measure(name, tx.context.steady);
        measure(tx, name);
    }
    tx.state.names.holds(name).cloned().unwrap_or_default()
}

/// Measures what the keys of a name hold, and counts for its history what happened and how many tasks are ready.
pub(crate) fn measure(tx: &mut Tx<'_>, name: &Name) {
    let mut holds = Holds::default();
    if queues::exists(tx.keys, name) {
        queues::measure(tx, name, &mut holds);
    }
    if services::exists(tx.keys, name) {
        services::measure(tx, name, &mut holds);
    }
    tx.state.count_history(name, holds.ready, &tx.context);
    tx.state.measured(name, holds, tx.context.steady);
}
