//! The request of a process to register.

use std::collections::BTreeMap;

use crate::membership::record::MemberName;
use crate::time::Ms;

/// The request of a process to become a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Its name.
    pub member: MemberName,
    /// Its token, when it resumes an earlier membership.
    pub token: Option<u64>,
    /// Process id; `None` when a heartbeat registers.
    pub pid: Option<i64>,
    /// The host it runs on.
    pub host: Option<String>,
    /// When the process started.
    pub start: Option<String>,
    /// Id of the host's boot.
    pub boot: Option<String>,
    /// How long it lives without a heartbeat, ms; 0: until it leaves; `None` when not given.
    pub ttl: Option<Ms>,
    /// The connection it is bound to.
    pub bind: Option<u64>,
    /// How long after its last bound connection closed it may reconnect, ms.
    pub grace: Ms,
    /// Whether it wants to be the exclusive holder.
    pub exclusive: bool,
    /// Whether it gets a token; only those that a plain heartbeat makes do not.
    pub with_token: bool,
    /// Its META fields; `None` to keep the stored ones.
    pub meta: Option<BTreeMap<String, String>>,
}
