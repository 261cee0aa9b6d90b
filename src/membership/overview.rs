//! Counts over all services, for INFO.

use crate::membership::service::Service;
use crate::names::Name;
use crate::tx::Tx;

/// Counts over every service of every database on this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// Services in memory; some may have no keys any more.
    pub services: usize,
    /// Their members.
    pub members: usize,
    /// Services that have a leader.
    pub leaders: usize,
    /// Services that get no leader until the reclaim window is over.
    pub reclaiming: usize,
}

/// Counts all services; keys of a foreign type are left out.
pub(crate) fn overview(tx: &mut Tx<'_>) -> Overview {
    let names: Vec<Name> = tx.state.services.iter().map(|(name, _)| name.clone()).collect();
    let mut all = Overview {
        services: names.len(),
        ..Overview::default()
    };
    for name in &names {
        let mut service = Service::of(tx, name);
        all.members += service.keys.hlen(name.members()).unwrap_or(0);
        match service.leader() {
            Ok(Some(_)) => all.leaders += 1,
            Ok(None) => {
                let left = service.reclaim_left().unwrap_or(0);
                all.reclaiming += usize::from(left > 0);
            }
            Err(_) => {}
        }
    }
    all
}
