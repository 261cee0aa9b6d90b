//! What a process says of itself when it registers.

use std::collections::BTreeMap;

use crate::membership::record::MemberName;
use crate::time::Ms;

/// What a process asks for that wants to be a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Its name.
    pub member: MemberName,
    /// Its token, when it was a member before and comes back.
    pub token: Option<u64>,
    /// Process id; `None` when a heartbeat registers.
    pub pid: Option<i64>,
    /// The host it runs on.
    pub host: Option<String>,
    /// When the process started.
    pub start: Option<String>,
    /// Id of the host's boot.
    pub boot: Option<String>,
    /// How long it lives without a sign of life, ms; 0: until it leaves; `None` when it does not say.
    pub ttl: Option<Ms>,
    /// The connection it is bound to.
    pub bind: Option<u64>,
    /// How long after its last bound connection closed it may come back, ms.
    pub grace: Ms,
    /// Whether it wants to be the exclusive holder.
    pub exclusive: bool,
    /// Whether it gets a token: all do but those that a plain heartbeat makes.
    pub with_token: bool,
    /// What else it says of itself; `None` when that stays as it is.
    pub meta: Option<BTreeMap<String, String>>,
}
