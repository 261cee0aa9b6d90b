//! A member that is there: its last sign of life, its connections, and when it dies without.

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
    /// An operator put it out, with these words.
    Evicted(String),
    /// Its host was booted since.
    Reboot,
    /// Another process took its name.
    Replaced,
    /// It left.
    Left,
    /// Somebody deleted its record.
    Deleted,
}

impl Reason {
    /// As the events tell it.
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

/// A member that is there.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its record.
    pub record: MemberRecord,
    /// The version of the service in which the record was read.
    pub version: u64,
    /// Whether it was met in the data: this process did not register it.
    pub was_loaded: bool,
    /// Its token, once it was shown.
    pub token: Option<u64>,
    /// Its last sign of life.
    pub alive: Steady,
    /// Its open bound connections.
    pub connections: SmallVec<[u64; 1]>,
    /// When the last of them closed.
    pub closed: Option<Steady>,
    /// Claims that were bound to a connection that closed; they go over to the one it comes back with.
    pub parked: Vec<(u64, BoundClaim)>,
    /// Whether it is in the line of those who want to lead.
    pub candidate: bool,
    /// What it last said of itself.
    pub status: Option<String>,
    /// When it is to be looked at.
    pub(super) planned: Option<Steady>,
}

impl Member {
    /// A member that shows itself now.
    pub(crate) fn new(record: MemberRecord, alive: Steady) -> Member {
        Member {
            record,
            version: 0,
            was_loaded: false,
            token: None,
            alive,
            connections: SmallVec::new(),
            closed: None,
            parked: Vec::new(),
            candidate: false,
            status: None,
            planned: None,
        }
    }

    /// One that is met in the data; its record is still to be read.
    pub(crate) fn loaded(alive: Steady) -> Member {
        Member {
            was_loaded: true,
            ..Member::new(MemberRecord::default(), alive)
        }
    }

    /// Whether it is bound and has no connection: it may come back.
    pub(crate) fn is_away(&self) -> bool {
        self.record.bind && self.connections.is_empty()
    }

    /// How long it lives without a sign of life, ms; `None` for ever. A bound member without a TTL that has not
    /// come back after a load gets `default`.
    fn ttl(&self, default: Ms) -> Option<Ms> {
        match self.record.ttl {
            0 if self.closed.is_none() && self.is_away() => Some(default),
            0 => None,
            ttl => Some(ttl),
        }
    }

    /// When it dies without a sign of life, and how long it had; `None` for never.
    pub(crate) fn deadline(&self, default: Ms) -> Option<(Steady, Ms)> {
        let silent = self.ttl(default).map(|ttl| (self.alive.after(ttl), ttl));
        let away = self
            .closed
            .map(|closed| (closed.after(self.record.grace), self.record.grace));
        silent.into_iter().chain(away).min_by_key(|(moment, _)| *moment)
    }

    /// Why it dies at its deadline.
    pub(crate) fn reason(&self, now: Steady) -> Reason {
        let away = self.closed.is_some_and(|closed| closed.after(self.record.grace) <= now);
        if away || (self.record.ttl == 0 && self.is_away()) {
            Reason::Disconnect
        } else {
            Reason::Ttl
        }
    }

    /// Notes a sign of life.
    pub(crate) fn touch(&mut self, now: Steady) {
        self.alive = self.alive.max(now);
        if self.closed.is_some() {
            self.closed = Some(now);
        }
    }
}
