//! The signs of life of a member: the last beat, the open connections, and when it dies without either.

use smallvec::SmallVec;

use crate::membership::record::MemberRecord;
use crate::state::queue::claims::BoundClaim;
use crate::time::{Ms, Steady};

/// Why a member went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No sign of life for its TTL.
    Ttl,
    /// Its last bound connection closed.
    Disconnect,
    /// An operator evicted it, with these words.
    Evicted(String),
    /// Its host was booted since.
    Reboot,
    /// Another process took its name.
    Replaced,
    /// It deregistered.
    Left,
    /// Somebody deleted its record.
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

/// The signs of life of one member. What they mean depends on its record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liveness {
    /// Its last sign of life.
    pub alive: Steady,
    /// Its open bound connections.
    pub connections: SmallVec<[u64; 1]>,
    /// When the last of them closed.
    pub closed: Option<Steady>,
    /// Claims that were bound to a connection that closed; they move to the one it comes back with.
    pub parked: Vec<(u64, BoundClaim)>,
    /// When the timer looks at it.
    pub planned: Option<Steady>,
}

impl Liveness {
    /// Whether it is bound and has no connection: it may come back.
    pub(crate) fn is_away(&self, record: &MemberRecord) -> bool {
        record.bind && self.connections.is_empty()
    }

    /// How long it lives without a sign of life, ms; `None` for ever. A bound member without a TTL that has not
    /// come back after a load gets `default`.
    fn ttl(&self, record: &MemberRecord, default: Ms) -> Option<Ms> {
        match record.ttl {
            0 if self.closed.is_none() && self.is_away(record) => Some(default),
            0 => None,
            ttl => Some(ttl),
        }
    }

    /// When it dies without a sign of life, and how long it had; `None` for never.
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

    /// Records a sign of life.
    pub(crate) fn touch(&mut self, now: Steady) {
        self.alive = self.alive.max(now);
        if self.closed.is_some() {
            self.closed = Some(now);
        }
    }
}
