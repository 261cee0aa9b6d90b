//! The liveness of a member: its last heartbeat, its open connections, and when it dies without either.

use smallvec::SmallVec;

use crate::membership::record::MemberRecord;
use crate::state::queue::claims::BoundClaim;
use crate::time::{Ms, Steady};

/// Why a member is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No heartbeat for its TTL.
    Ttl,
    /// Its last bound connection closed.
    Disconnect,
    /// An operator evicted it, for this reason.
    Evicted(String),
    /// Its host has rebooted.
    Reboot,
    /// Another process took its name.
    Replaced,
    /// It deregistered.
    Left,
    /// Its record was deleted by another client.
    Deleted,
}

impl Reason {
    /// The word for it in events.
    pub(crate) fn text(&self) -> &str {
        match self {
            Reason::Ttl => "ttl",
            Reason::Disconnect => "disconnect",
            Reason::Evicted(words) => words,
            Reason::Reboot => "reboot",
            Reason::Replaced => "replaced",
            Reason::Left => "left",
            Reason::Deleted => "deleted",
        }
    }
}

/// The liveness of one member; its record says which part applies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liveness {
    /// Its last heartbeat.
    pub alive: Steady,
    /// Its open bound connections.
    pub connections: SmallVec<[u64; 1]>,
    /// When the last bound connection closed.
    pub closed: Option<Steady>,
    /// Claims that were bound to a closed connection; they move to the one it reconnects with.
    pub parked: Vec<(u64, BoundClaim)>,
    /// When the timer checks it.
    pub planned: Option<Steady>,
}

impl Liveness {
    /// Whether it is bound and has no connection; it may reconnect.
    pub(crate) fn is_away(&self, record: &MemberRecord) -> bool {
        record.bind && self.connections.is_empty()
    }

    /// How long it lives without a heartbeat, ms; `None` for ever. A bound member without a TTL that has not
    /// reconnected after a load gets `default`.
    fn ttl(&self, record: &MemberRecord, default: Ms) -> Option<Ms> {
        match record.ttl {
            0 if self.closed.is_none() && self.is_away(record) => Some(default),
            0 => None,
            ttl => Some(ttl),
        }
    }

    /// When it dies without a heartbeat, and the time it was given; `None` for never.
    pub(crate) fn deadline(&self, record: &MemberRecord, default: Ms) -> Option<(Steady, Ms)> {
        let silent = self.ttl(record, default).map(|ttl| (self.alive.after(ttl), ttl));
        let away = self.closed.map(|closed| (closed.after(record.grace), record.grace));
        silent.into_iter().chain(away).min_by_key(|(moment, _)| *moment)
    }

    /// Why it dies at its deadline.
    pub(crate) fn reason(&self, record: &MemberRecord, now: Steady) -> Reason {
        let away = self.closed.is_some_and(|closed| closed.after(record.grace) <= now);
        if away || (record.ttl == 0 && self.is_away(record)) {
            Reason::Disconnect
        } else {
            Reason::Ttl
        }
    }

    /// Records a heartbeat.
    pub(crate) fn touch(&mut self, now: Steady) {
        self.alive = self.alive.max(now);
        if self.closed.is_some() {
            self.closed = Some(now);
        }
    }
}
