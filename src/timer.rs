//! The timer's work, one slice per name.

use crate::membership::service::Service;
use crate::names::Name;
use crate::task;
use crate::tx::Tx;

/// One slice of work for the name whose moment has come: dead members and their claims, claims that ended without a
/// command, tasks that are due, leases that ran out. Plans the name's next wakeup.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    if tx.state.services.known(name).is_some() {
        Service::of(tx, name).run_due();
        task::worklist::run(tx);
    }
    if tx.state.known_queue(name).is_some() {
        task::timer::run(tx, name);
    }
}
