//! The one engine behind PID and HB.
//!
//! A member is a record in the hash of its service and its liveness in memory ([`crate::presence`]). `roster` is
//! every way a member comes and goes, `election` who leads, `events` what is told of both, `tick` what time does.

pub(crate) mod election;
pub(crate) mod events;
pub(crate) mod overview;
pub(crate) mod register;
pub(crate) mod roster;
pub(crate) mod tick;

#[cfg(test)]
mod life;
#[cfg(test)]
mod walk;

use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Fields;
use crate::names::{Name, plain_text};
use crate::presence::{Head, Member, MemberName, Present, Walk};
use crate::time::{Ms, Steady};
use crate::tx::Tx;

/// Field of the service's hash: who leads.
pub(crate) const LEADER: &str = "leader";
/// Field of the service's hash: the epoch of the last leader.
pub(crate) const EPOCH: &str = "epoch";
/// Field of the service's hash: since when it leads, unix ms.
pub(crate) const SINCE: &str = "since";
/// Field of the service's hash: the standing signal to all.
pub(crate) const SIGNAL: &str = "signal";
/// Field of the service's hash: when it was given, in the count of registrations.
pub(crate) const SIGNAL_AT: &str = "signal-at";

/// The service a command was given.
pub(crate) fn service(name: &[u8], caller: &Caller<'_>) -> Result<Name, Error> {
    Name::of_service(caller.db, name)
}

/// The connection that BIND ties a member or a claim to; `BADARG` where there is none.
pub(crate) fn connection(bind: bool, caller: &Caller<'_>) -> Result<Option<u64>, Error> {
    match (bind, caller.connection) {
        (false, _) => Ok(None),
        (true, Some(connection)) => Ok(Some(connection)),
        (true, None) => Err(Error::BadArg(
            "BIND needs a client connection: not allowed in a script".into(),
        )),
    }
}

/// Nothing, when all keys of the service have their types: no verb fails half-way then.
pub(crate) fn check(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.service())?;
    tx.keys.ensure_type(name.members())?;
    tx.keys.ensure_type(name.candidates())?;
    tx.keys.ensure_type(name.events())
}

/// The same for what is only looked at: memory does not see when a key is overwritten by a string.
pub(crate) fn look(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.service())?;
    tx.keys.ensure_type(name.members())
}

/// The service's own hash, read when it is not in memory.
pub(crate) fn head(tx: &mut Tx<'_>, name: &Name) -> Result<Head> {
    if let Some(head) = tx.state.presence.known(name).and_then(|known| known.head.as_ref()) {
        return Ok(head.clone());
    }
    let head = read_head(&tx.keys.hgetall(name.service())?);
    // One that is only looked at is not remembered.
    if let Some(known) = tx.state.presence.known_mut(name) {
        known.head = Some(head.clone());
    }
    Ok(head)
}

fn read_head(fields: &Fields) -> Head {
    let text = |field: &str| {
        let found = fields.iter().find(|(name, _)| name == field.as_bytes());
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let number = |field: &str| text(field).and_then(|text| text.parse().ok());
    let leader = text(LEADER).filter(|leader| plain_text("leader", leader.as_bytes()).is_ok());
    Head {
        leader: leader.map(Rc::from),
        epoch: number(EPOCH).unwrap_or(0),
        since: text(SINCE).and_then(|text| text.parse().ok()).unwrap_or(0),
        signal: text(SIGNAL).map(str::to_string).zip(number(SIGNAL_AT)),
    }
}

/// Who leads, when it is a member.
pub(crate) fn leader(tx: &mut Tx<'_>, name: &Name) -> Result<Option<MemberName>> {
    let leader = head(tx, name)?.leader;
    match leader {
        Some(leader) if find(tx, name, &leader)? => Ok(Some(leader)),
        _ => Ok(None),
    }
}

/// Whether the member is there. Brings what memory holds of it up to date.
pub(crate) fn find(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<bool> {
    if let Some(service) = tx.state.presence.known(name)
        && service
            .member(member)
            .is_some_and(|present| present.version == service.version)
    {
        return Ok(true);
    }
    let stored = tx.keys.hget(name.members(), member.as_bytes())?;
    let now = tx.context.steady;
    Ok(adopt(tx, name, member, stored.as_deref(), now))
}

/// Takes what is stored of a member into memory: one that is new there lives from `alive` on. Whether it is a member.
pub(crate) fn adopt(tx: &mut Tx<'_>, name: &Name, member: &str, stored: Option<&[u8]>, alive: Steady) -> bool {
    let record = stored.and_then(Member::read);
    let Some(record) = record.filter(|_| plain_text("member", member.as_bytes()).is_ok()) else {
        if stored.is_some() {
            tx.state
                .log_skipped_member(name, "a member whose record is not one of ours");
        }
        roster::doom(tx, name, member, crate::presence::Reason::Deleted);
        return false;
    };
    let candidate = tx.keys.zscore(name.candidates(), member.as_bytes());
    let candidate = candidate.is_ok_and(|place| place.is_some());
    let service = tx.state.presence.service(name);
    let known = service.member(member).cloned();
    let mut present = known.unwrap_or_else(|| Present::met(alive));
    if present.member.token != record.token {
        present.token = None;
    }
    let latest = record.order.max(record.signal_at);
    if present.was_met {
        let ttl = if record.ttl == 0 { Ms::MAX } else { record.ttl };
        service.longest_ttl = service.longest_ttl.max(Some(ttl));
    }
    present.member = record;
    present.candidate = candidate;
    service.put(&Rc::from(member), present, tx.context.config.ttl);
    tx.saw_fence(latest);
    plan(tx, name);
    true
}

/// Makes sure that the service is looked at when the next of its members is due.
pub(crate) fn plan(tx: &mut Tx<'_>, name: &Name) {
    let Some(known) = tx.state.presence.known(name) else {
        return;
    };
    if known.walk != Walk::Done {
        tx.state.wakeups.now(name);
    } else if let Some(next) = known.next() {
        tx.state.wakeups.at_steady(name, next);
    }
}

/// Nothing, when the member is there and this is its token: else `NoMember` or `Fenced`.
pub(crate) fn verify(tx: &mut Tx<'_>, name: &Name, member: &str, token: u64) -> Result<(), Error> {
    if !find(tx, name, member)? {
        return Err(Error::NoMember);
    }
    let present = tx.state.presence.service(name).member_mut(member);
    let Some(present) = present else {
        return Err(Error::NoMember);
    };
    if present.token == Some(token) {
        return Ok(());
    }
    if present.member.token.as_deref() == Some(hash(token).as_str()) {
        present.token = Some(token);
        return Ok(());
    }
    Err(fenced(tx, name)?)
}

/// The error for one who is not, or not any more, what it takes itself for.
pub(crate) fn fenced(tx: &mut Tx<'_>, name: &Name) -> Result<Error> {
    let head = head(tx, name)?;
    Ok(match leader(tx, name)? {
        Some(leader) => Error::Fenced {
            epoch: head.epoch,
            leader: leader.to_string(),
        },
        None => Error::Fenced {
            epoch: 0,
            leader: String::new(),
        },
    })
}

/// A token as it is stored.
pub(crate) fn hash(token: u64) -> String {
    let digest = Sha256::digest(token.to_string().as_bytes());
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

/// Whether a member had its time without a sign of life, and nothing holds its end back.
pub(crate) fn is_overdue(tx: &Tx<'_>, present: &Present) -> bool {
    let now = tx.context.steady;
    present
        .deadline(tx.context.config.ttl)
        .is_some_and(|(deadline, length)| {
            deadline <= now && tx.state.stalls.may_expire(now, deadline, length) && !is_waiting(tx, present)
        })
}

/// Whether a client of one of its bound connections is held: that is a sign of life as long as it lasts.
pub(crate) fn is_waiting(tx: &Tx<'_>, present: &Present) -> bool {
    present
        .connections
        .iter()
        .any(|connection| tx.state.waiting.is_held(*connection))
}
