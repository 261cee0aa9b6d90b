//! What is told of a service: one entry of its stream for every change.

use crate::error::{Error, Result};
use crate::membership::record::MemberRecord;
use crate::names::Name;
use crate::tx::Tx;

/// One change. Every entry has all fields; one that says nothing is empty.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    /// up, down, leader, resigned or signal.
    pub kind: &'a str,
    /// The member it is about; `*` for all.
    pub member: &'a str,
    /// Its record, for its process id and host.
    pub record: Option<&'a MemberRecord>,
    /// The epoch that begins or is given up.
    pub epoch: Option<u64>,
    /// Why.
    pub reason: &'a str,
}

/// Adds an entry to the stream.
pub(crate) fn emit(tx: &mut Tx<'_>, name: &Name, event: &Event<'_>) -> Result<()> {
    let pid = event.record.and_then(|record| record.pid);
    let pid = pid.map(|pid| pid.to_string()).unwrap_or_default();
    let host = event
        .record
        .and_then(|record| record.host.as_deref())
        .unwrap_or_default();
    let epoch = event.epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
    let fields: [(&[u8], &[u8]); 6] = [
        (b"type", event.kind.as_bytes()),
        (b"member", event.member.as_bytes()),
        (b"pid", pid.as_bytes()),
        (b"host", host.as_bytes()),
        (b"epoch", epoch.as_bytes()),
        (b"reason", event.reason.as_bytes()),
    ];
    let most = usize::try_from(tx.context.config.events).unwrap_or(usize::MAX);
    match tx.keys.xadd(name.events(), None, &fields, most) {
        Err(Error::Internal) => {
            // Somebody used up the ids of the stream: what happened has happened all the same.
            tx.state
                .skip_foreign_member(name, "a stream of events that takes no more");
            Ok(())
        }
        told => told.map(|_| ()),
    }
}
