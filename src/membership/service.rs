//! A service: its keys, what is remembered of it, and the members found in both.

use std::rc::Rc;

use crate::command::Args;
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Type;
use crate::membership::leadership::Leadership;
use crate::membership::member::Member;
use crate::membership::member::Reason;
use crate::membership::members;
use crate::membership::record::MemberName;
use crate::membership::record::MemberRecord;
use crate::membership::record::hash_token;
use crate::membership::service_state::Loading;
use crate::names::{Name, plain_text};
use crate::time::{Ms, Steady};
use crate::tx::Tx;

/// The service a command was given.
pub(crate) fn service(args: &Args<'_>, caller: &Caller<'_>) -> Result<Name, Error> {
    Name::of_service(caller.db, args.bytes("service"))
}

/// A number of ours that a client was given, such as a token.
pub(crate) fn number(args: &Args<'_>, name: &str) -> Option<u64> {
    args.int(name).and_then(|number| u64::try_from(number).ok())
}

/// The connection that BIND ties a member or a claim to; `BADARG` where there is none.
pub(crate) fn connection(args: &Args<'_>, caller: &Caller<'_>) -> Result<Option<u64>, Error> {
    match (args.has("BIND"), caller.connection) {
        (false, _) => Ok(None),
        (true, Some(connection)) => Ok(Some(connection)),
        (true, None) => Err(Error::BadArg(
            "BIND needs a client connection: not allowed in a script".into(),
        )),
    }
}

/// Nothing, when all keys of the service have their types: no verb fails half-way then.
pub(crate) fn ensure_types(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.service(), Type::Hash)?;
    tx.keys.ensure_type(name.members(), Type::Hash)?;
    tx.keys.ensure_type(name.candidates(), Type::SortedSet)?;
    tx.keys.ensure_type(name.events(), Type::Stream)
}

/// The same for what is only looked at: memory does not see when a key is overwritten by a string.
pub(crate) fn ensure_readable(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    tx.keys.ensure_type(name.service(), Type::Hash)?;
    tx.keys.ensure_type(name.members(), Type::Hash)
}

/// The service's own hash, read when it is not in memory.
pub(crate) fn leadership(tx: &mut Tx<'_>, name: &Name) -> Result<Leadership> {
    if let Some(head) = tx
        .state
        .services
        .known(name)
        .and_then(|known| known.leadership.as_ref())
    {
        return Ok(head.clone());
    }
    let head = Leadership::read(&tx.keys.hgetall(name.service())?);
    // One that is only looked at is not remembered.
    if let Some(known) = tx.state.services.known_mut(name) {
        known.leadership = Some(head.clone());
    }
    Ok(head)
}

/// Who leads, when it is a member.
pub(crate) fn leader(tx: &mut Tx<'_>, name: &Name) -> Result<Option<MemberName>> {
    let leader = leadership(tx, name)?.leader;
    match leader {
        Some(leader) if find(tx, name, &leader)? => Ok(Some(leader)),
        _ => Ok(None),
    }
}

/// Whether the member is there. Brings what memory holds of it up to date.
pub(crate) fn find(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<bool> {
    if let Some(service) = tx.state.services.known(name)
        && service
            .member(member)
            .is_some_and(|present| present.version == service.version)
    {
        return Ok(true);
    }
    let stored = tx.keys.hget(name.members(), member.as_bytes())?;
    let now = tx.context.steady;
    Ok(load(tx, name, member, stored.as_deref(), now))
}

/// Takes what is stored of a member into memory: one that is new there lives from `alive` on. Whether it is a member.
pub(crate) fn load(tx: &mut Tx<'_>, name: &Name, member: &str, stored: Option<&[u8]>, alive: Steady) -> bool {
    let record = stored.and_then(MemberRecord::read);
    let Some(record) = record.filter(|_| plain_text("member", member.as_bytes()).is_ok()) else {
        if stored.is_some() {
            tx.state
                .skip_foreign_member(name, "a member whose record is not one of ours");
        }
        members::mark_dead(tx, name, member, Reason::Deleted);
        return false;
    };
    let candidate = tx.keys.zscore(name.candidates(), member.as_bytes());
    let candidate = candidate.is_ok_and(|place| place.is_some());
    let service = tx.state.services.service(name);
    let known = service.member(member).cloned();
    let mut present = known.unwrap_or_else(|| Member::loaded(alive));
    if present.record.token != record.token {
        present.token = None;
    }
    let latest = record.order.max(record.signal_at);
    if present.was_loaded {
        let ttl = if record.ttl == 0 { Ms::MAX } else { record.ttl };
        service.longest_ttl = service.longest_ttl.max(Some(ttl));
    }
    present.record = record;
    present.candidate = candidate;
    service.put(&Rc::from(member), present, tx.context.config.ttl);
    tx.saw_fence(latest);
    plan(tx, name);
    true
}

/// Makes sure that the service is looked at when the next of its members is due.
pub(crate) fn plan(tx: &mut Tx<'_>, name: &Name) {
    let Some(known) = tx.state.services.known(name) else {
        return;
    };
    if known.loading != Loading::Done {
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
    let present = tx.state.services.service(name).member_mut(member);
    let Some(present) = present else {
        return Err(Error::NoMember);
    };
    if present.token == Some(token) {
        return Ok(());
    }
    if present.record.token.as_deref() == Some(hash_token(token).as_str()) {
        present.token = Some(token);
        return Ok(());
    }
    Err(fenced(tx, name)?)
}

/// The error for one who is not, or not any more, what it takes itself for.
pub(crate) fn fenced(tx: &mut Tx<'_>, name: &Name) -> Result<Error> {
    let head = leadership(tx, name)?;
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

/// Whether a member had its time without a sign of life, and nothing holds its end back.
pub(crate) fn is_overdue(tx: &Tx<'_>, present: &Member) -> bool {
    let now = tx.context.steady;
    present
        .deadline(tx.context.config.ttl)
        .is_some_and(|(deadline, length)| {
            deadline <= now && tx.state.stalls.may_expire(now, deadline, length) && !is_waiting(tx, present)
        })
}

/// Whether a client of one of its bound connections is held: that is a sign of life as long as it lasts.
pub(crate) fn is_waiting(tx: &Tx<'_>, present: &Member) -> bool {
    present
        .connections
        .iter()
        .any(|connection| tx.state.waiting.is_held(*connection))
}
