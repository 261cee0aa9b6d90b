//! What a process that registers says of itself.

use std::collections::BTreeMap;

use crate::membership::record::MemberName;
use crate::time::Ms;

/// A wish to be a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Its name.
    pub member: MemberName,
    /// Its token, when it was a member before and wants to go on as that.
    pub token: Option<u64>,
    /// Process id; `None` when a heartbeat registers.
    pub pid: Option<i64>,
    /// The host it runs on.
    pub host: Option<String>,
    /// When the process started.
    pub start: Option<String>,
    /// Id of the host's boot.
    pub boot: Option<String>,
    /// How long it lives without a sign of life, ms; 0: until it leaves; `None` when it did not say.
    pub ttl: Option<Ms>,
    /// The connection it is bound to.
    pub bind: Option<u64>,
    /// How long after its last bound connection closed it may come back, ms.
    pub grace: Ms,
    /// Whether it wants to be the exclusive holder.
    pub exclusive: bool,
    /// Whether it gets a token: all do but those that a plain heartbeat makes.
    pub with_token: bool,
    /// What else it says of itself; `None` when nothing was said.
    pub meta: Option<BTreeMap<String, String>>,
}
