//! What the keys of a service hold, for INFO and for lists of services.

use crate::keyspace::Keyspace;
use crate::membership::leadership::{EPOCH, LEADER, Leadership, SIGNAL};
use crate::membership::service::Service;
use crate::names::Name;
use crate::state::sums::Holds;
use crate::tx::Tx;

/// Whether any key of the service exists. An application may have a key of the same name as its hash.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    let key = name.service();
    let mut is_ours = |field: &str| keys.hget(key, field.as_bytes()).is_ok_and(|value| value.is_some());
    [LEADER, EPOCH, SIGNAL].into_iter().any(&mut is_ours)
        || [name.members(), name.candidates(), name.events()]
            .into_iter()
            .any(|key| keys.exists(key))
}

/// Measures a service that exists, without reading it into memory. Keys of a foreign type count as empty.
pub(crate) fn measure(tx: &mut Tx<'_>, name: &Name, holds: &mut Holds) {
    let members = tx.keys.hlen(name.members()).unwrap_or(0);
    let leader = Leadership::read(&tx.keys.hgetall(name.service()).unwrap_or_default()).leader;
    let mut is_member = |leader: &str| {
        tx.keys
            .hget(name.members(), leader.as_bytes())
            .is_ok_and(|record| record.is_some())
    };
    holds.service = true;
    holds.members = u32::try_from(members).unwrap_or(u32::MAX);
    holds.leader = leader.is_some_and(|leader| is_member(&leader));
    holds.reclaiming = !holds.leader && Service::of(tx, name).is_reclaiming();
}
