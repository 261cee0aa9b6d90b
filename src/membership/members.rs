//! How members come and go. Callers have checked the types of the service's keys, and elect afterwards.

use crate::error::{Error, Result};
use crate::membership::election;
use crate::membership::events::{Event, emit};
use crate::membership::member::Member;
use crate::membership::member::Reason;
use crate::membership::record::MemberName;
use crate::membership::record::MemberRecord;
use crate::membership::record::hash_token;
use crate::membership::registration::Registration;
use crate::membership::service;
use crate::membership::service_state::Loading;
use crate::membership::services::Gone;
use crate::names::Name;
use crate::reply::Reply;
use crate::tx::Tx;
use crate::waiting::WaitFor;

/// Nothing, when the service can take one more member; `full` says that the server's memory is.
pub(crate) fn has_room(tx: &mut Tx<'_>, name: &Name, full: bool) -> Result<(), Error> {
    let most = tx.context.config.max_members;
    if tx.keys.hlen(name.members())? >= usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(Error::ServiceFull(most));
    }
    if full { Err(Error::OutOfMemory) } else { Ok(()) }
}

/// A new member. Replies its token, if it is to have one.
pub(crate) fn join(tx: &mut Tx<'_>, name: &Name, wish: &Registration, reason: &str) -> Result<Option<u64>> {
    end_remains(tx, name, &wish.member)?;
    let epoch = service::leadership(tx, name)?.epoch;
    let order = tx.next_fence(epoch);
    let token = wish.with_token.then(|| tx.next_fence(order));
    let record = MemberRecord {
        pid: wish.pid,
        host: wish.host.clone(),
        start: wish.start.clone(),
        boot: wish.boot.clone(),
        ttl: wish.ttl.unwrap_or(tx.context.config.ttl),
        bind: wish.bind.is_some(),
        grace: wish.grace,
        exclusive: wish.exclusive,
        token: token.map(hash_token),
        order,
        registered: tx.context.wall.0,
        meta: wish.meta.clone().unwrap_or_default(),
        ..MemberRecord::default()
    };
    let mut present = Member::new(record, tx.context.steady);
    present.token = token;
    let is_first = tx.keys.hlen(name.members())? == 0;
    let service = tx.state.services.service(name);
    if is_first && service.count() == 0 {
        // Nobody else is to be met.
        service.loading = Loading::Done;
    }
    store(tx, name, &wish.member, present)?;
    if let Some(connection) = wish.bind {
        tx.state.rebind(connection, name, &wish.member);
    }
    service::plan(tx, name);
    let record = tx
        .state
        .services
        .member(name, &wish.member)
        .map(|present| present.record.clone());
    let event = Event {
        kind: "up",
        member: &wish.member,
        record: record.as_ref(),
        epoch: None,
        reason,
    };
    emit(tx, name, &event)?;
    notify_watchers(tx, name, &wish.member, true);
    Ok(token)
}

/// One whose record somebody deleted may still be remembered, or named as the leader: that ends before another
/// takes its name. The tick sees who follows it.
fn end_remains(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<()> {
    let led = service::leadership(tx, name)?.leader.as_deref() == Some(member);
    if tx.state.services.member(name, member).is_some() {
        remove(tx, name, member, &Reason::Deleted)?;
    } else if led {
        election::vacate(tx, name)?;
    }
    if led {
        tx.state.wakeups.now(name);
    }
    Ok(())
}

/// A member that is there comes back with its token, and says again what it is.
pub(crate) fn resume(tx: &mut Tx<'_>, name: &Name, wish: &Registration) -> Result<()> {
    let epoch = service::leadership(tx, name)?.epoch;
    let order = tx.next_fence(epoch);
    update(tx, name, &wish.member, |record| {
        if record.boot != wish.boot {
            // Of its host's boots, the one that registered last is the one of now.
            record.order = order;
        }
        record.pid = wish.pid;
        record.host.clone_from(&wish.host);
        record.start.clone_from(&wish.start);
        record.boot.clone_from(&wish.boot);
        record.ttl = wish.ttl.unwrap_or(record.ttl);
        record.bind = wish.bind.is_some();
        record.grace = wish.grace;
        record.exclusive = wish.exclusive;
        if let Some(meta) = &wish.meta {
            record.meta.clone_from(meta);
        }
    })?;
    touch(tx, name, &wish.member, wish.bind);
    Ok(())
}

/// Changes the record of a member, if that is a change.
pub(crate) fn update(tx: &mut Tx<'_>, name: &Name, member: &str, change: impl FnOnce(&mut MemberRecord)) -> Result<()> {
    let Some(present) = tx.state.services.member(name, member) else {
        return Ok(());
    };
    let mut record = present.record.clone();
    change(&mut record);
    if record == present.record {
        return Ok(());
    }
    let mut present = present.clone();
    if !record.bind {
        present.closed = None;
    }
    present.record = record;
    store(tx, name, &member.into(), present)
}

fn store(tx: &mut Tx<'_>, name: &Name, member: &MemberName, present: Member) -> Result<()> {
    let json = present.record.write();
    tx.keys.hset(name.members(), &[(member.as_bytes(), &json)])?;
    let service = tx.state.services.service(name);
    service.used = tx.context.steady;
    service.put(member, present, tx.context.config.ttl);
    Ok(())
}

/// A sign of life, perhaps on a connection that it is bound to from now on.
pub(crate) fn touch(tx: &mut Tx<'_>, name: &Name, member: &str, bind: Option<u64>) {
    if let Some(connection) = bind {
        tx.state.rebind(connection, name, &member.into());
    }
    let service = tx.state.services.service(name);
    service.used = tx.context.steady;
    service.touch(member, tx.context.steady, tx.context.config.ttl);
    service::plan(tx, name);
}

/// A member goes with the next tick, if it is there.
pub(crate) fn mark_dead(tx: &mut Tx<'_>, name: &Name, member: &str, reason: Reason) {
    let Some(service) = tx.state.services.known_mut(name) else {
        return;
    };
    if service.member(member).is_some() {
        service.dead.insert(member.into(), reason);
        tx.state.wakeups.now(name);
    }
}

/// A member goes: out of the records and the line of candidates, and the lead is free if it had it. What it held
/// ends at the end of the transaction.
pub(crate) fn remove(tx: &mut Tx<'_>, name: &Name, member: &str, reason: &Reason) -> Result<()> {
    if matches!(reason, Reason::Left | Reason::Evicted(_)) {
        election::make_room(tx, name, member)?;
    }
    let head = service::leadership(tx, name)?;
    let below = tx.next_fence(head.epoch);
    let Some(present) = tx.state.services.service(name).take(member) else {
        return Ok(());
    };
    tx.state.services.unbind(name, member, &present.connections);
    tx.keys.hdel(name.members(), &[member.as_bytes()])?;
    if present.candidate {
        tx.keys.zrem(name.candidates(), &[member.as_bytes()])?;
    }
    let event = Event {
        kind: "down",
        member,
        record: Some(&present.record),
        epoch: None,
        reason: reason.text(),
    };
    emit(tx, name, &event)?;
    if head.leader.as_deref() == Some(member) {
        tx.state.services.service(name).settled = true;
        election::vacate(tx, name)?;
    }
    let lost = *reason != Reason::Left;
    tx.state.services.lost += u64::from(lost);
    tx.state.services.gone.push(Gone {
        service: name.clone(),
        member: member.into(),
        below,
        lost,
    });
    notify_watchers(tx, name, member, false);
    Ok(())
}

/// Answers those who waited for the member to come or to go, or for something that it cannot become any more.
pub(crate) fn notify_watchers(tx: &mut Tx<'_>, name: &Name, member: &str, is_there: bool) {
    if !is_there {
        for (ticket, _) in tx.state.waiting.holders_as(name, member) {
            tx.answer(ticket, Err(Error::NoMember), Vec::new());
        }
    }
    for ticket in tx.state.waiting.watchers_of(name, member) {
        match tx.state.waiting.wish(ticket) {
            Some(WaitFor::Member(_, _, there)) if *there == is_there => {
                tx.answer(ticket, Ok(Reply::Int(1)), Vec::new());
            }
            Some(WaitFor::Lead(..)) if !is_there => tx.answer(ticket, Err(Error::NoMember), Vec::new()),
            _ => {}
        }
    }
}

/// The same for all that wait for something about members of the service: somebody else changed its keys.
pub(crate) fn rescan_watchers(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    for member in tx.state.waiting.watched(name) {
        let is_there = service::find(tx, name, &member)?;
        notify_watchers(tx, name, &member, is_there);
    }
    Ok(())
}
