//! A member in memory: its record as last read, and its liveness.

use crate::membership::liveness::{Liveness, Reason};
use crate::membership::record::{MemberName, MemberRecord};
use crate::time::{Ms, Steady};

/// A member of a service.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its name.
    pub name: MemberName,
    /// Its stored record.
    pub record: MemberRecord,
    /// The version of the service when the record was read.
    pub version: u64,
    /// Whether it was found in the data, not registered by this process.
    pub was_loaded: bool,
    /// Its token, once it was made here or a client has shown it.
    pub token: Option<u64>,
    /// Whether a client has shown its token to this process.
    pub token_shown: bool,
    /// Whether it is in the line of candidates.
    pub is_candidate: bool,
    /// Its last STATUS.
    pub status: Option<String>,
    /// Its liveness.
    pub liveness: Liveness,
}

impl Member {
    /// A newly registered member.
    pub(crate) fn new(name: MemberName, record: MemberRecord, alive: Steady) -> Member {
        Member {
            name,
            record,
            version: 0,
            was_loaded: false,
            token: None,
            token_shown: false,
            is_candidate: false,
            status: None,
            liveness: Liveness {
                alive,
                ..Liveness::default()
            },
        }
    }

    /// A member that was found in the data; its record is still to be read.
    pub(crate) fn loaded(name: MemberName, alive: Steady) -> Member {
        Member {
            was_loaded: true,
            ..Member::new(name, MemberRecord::default(), alive)
        }
    }

    /// Whether a heartbeat made its token and no client has shown it: the reply with it may be lost. Not after a load,
    /// which does not tell whether a client has shown it.
    pub(crate) fn may_lack_token(&self) -> bool {
        self.record.pid.is_none() && !self.token_shown && !self.was_loaded
    }

    /// Whether it is bound and has no connection; it may reconnect.
    pub(crate) fn is_away(&self) -> bool {
        self.liveness.is_away(&self.record)
    }

    /// When it dies without a heartbeat, and the time it was given; `None` for never.
    pub(crate) fn deadline(&self, default_ttl: Ms) -> Option<(Steady, Ms)> {
        self.liveness.deadline(&self.record, default_ttl)
    }

    /// Why it dies at its deadline.
    pub(crate) fn reason(&self, now: Steady) -> Reason {
        self.liveness.reason(&self.record, now)
    }
}
