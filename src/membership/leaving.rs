//! Which members go many at a time: those of hosts that have rebooted, and all when the service is dropped.

use std::collections::BTreeMap;

use crate::membership::liveness::Reason;
use crate::membership::record::{MemberName, MemberRecord};

/// The reason in the event of a member whose service was dropped.
const DROPPED: &str = "dropped";

/// Who goes.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    /// Host → its boot id: the members of its other boot ids.
    pub boots: BTreeMap<String, String>,
    /// Those that registered before this moment, in the count of registrations.
    pub dropped_below: Option<u64>,
    /// How far the dropped ones were looked for.
    pub after: Option<MemberName>,
}

impl Leaving {
    /// Why the member of this record goes, if it does.
    pub(crate) fn reason(&self, record: &MemberRecord) -> Option<Reason> {
        if self.dropped_below.is_some_and(|below| record.order < below) {
            return Some(Reason::Evicted(DROPPED.into()));
        }
        let current = record.host.as_ref().and_then(|host| self.boots.get(host))?;
        let is_other = record.boot.as_ref().is_some_and(|boot| boot != current);
        is_other.then_some(Reason::Reboot)
    }
}
