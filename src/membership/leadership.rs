//! The leadership of a service, as stored in its own hash.

use std::rc::Rc;

use crate::keyspace::Fields;
use crate::membership::record::MemberName;
use crate::names::plain_text;
use crate::time::Ms;

/// Field of the service's hash: the leader.
pub(crate) const LEADER: &str = "leader";
/// Field of the service's hash: the epoch of the last leader.
pub(crate) const EPOCH: &str = "epoch";
/// Field of the service's hash: since when it leads, unix ms.
pub(crate) const SINCE_AT: &str = "since_at";
/// Field of the service's hash: the standing signal to all.
pub(crate) const SIGNAL: &str = "signal";
/// Field of the service's hash: when the signal was given, in the count of registrations.
pub(crate) const SIGNAL_ORDER: &str = "signal_order";

/// The service's own hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The leader.
    pub leader: Option<MemberName>,
    /// Epoch of the last leader.
    pub epoch: u64,
    /// Since when it leads, unix ms.
    pub since: Ms,
    /// The standing signal to all members that had registered when it was given, and that moment.
    pub signal: Option<(String, u64)>,
}

impl Leadership {
    /// Parses the fields of the hash; unreadable values count as missing.
    pub(crate) fn read(fields: &Fields) -> Leadership {
        let text = |field: &str| {
            let found = fields.iter().find(|(name, _)| name == field.as_bytes());
            found.and_then(|(_, value)| std::str::from_utf8(value).ok())
        };
        let number = |field: &str| text(field).and_then(|text| text.parse().ok());
        let leader = text(LEADER).filter(|leader| plain_text("leader", leader.as_bytes()).is_ok());
        Leadership {
            leader: leader.map(Rc::from),
            epoch: number(EPOCH).unwrap_or(0),
            since: text(SINCE_AT).and_then(|text| text.parse().ok()).unwrap_or(0),
            signal: text(SIGNAL).map(str::to_string).zip(number(SIGNAL_ORDER)),
        }
    }
}
