//! How members come and go. Callers have checked the types of the service's keys, and elect afterwards.

use crate::error::Error;
use crate::keyspace::Answer;
use crate::names::Name;
use crate::presence::{Gone, Member, MemberName, Present, Reason, Registration, Walk};
use crate::proc::events::{Event, tell};
use crate::proc::{self, election};
use crate::reply::Reply;
use crate::unit::Unit;
use crate::waiting::Wish;

/// Nothing, when the service can take one more member; `full` says that the server's memory is.
pub fn has_room(unit: &mut Unit<'_>, name: &Name, full: bool) -> Result<(), Error> {
    let most = unit.env.settings.max_members;
    if unit.keys.hlen(name.members())? >= usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(Error::ServiceFull(most));
    }
    if full { Err(Error::OutOfMemory) } else { Ok(()) }
}

/// A new member. Replies its token, if it is to have one.
pub fn join(unit: &mut Unit<'_>, name: &Name, wish: &Registration, reason: &str) -> Answer<Option<u64>> {
    end_remains(unit, name, &wish.member)?;
    let epoch = proc::head(unit, name)?.epoch;
    let order = unit.next_fence(epoch);
    let token = wish.with_token.then(|| unit.next_fence(order));
    let record = Member {
        pid: wish.pid,
        host: wish.host.clone(),
        start: wish.start.clone(),
        boot: wish.boot.clone(),
        ttl: wish.ttl.unwrap_or(unit.env.settings.ttl),
        bind: wish.bind.is_some(),
        grace: wish.grace,
        exclusive: wish.exclusive,
        token: token.map(proc::hash),
        order,
        registered: unit.env.wall.0,
        meta: wish.meta.clone().unwrap_or_default(),
        ..Member::default()
    };
    let mut present = Present::new(record, unit.env.steady);
    present.token = token;
    let is_first = unit.keys.hlen(name.members())? == 0;
    let service = unit.memory.presence.service(name);
    if is_first && service.count() == 0 {
        // Nobody else is to be met.
        service.walk = Walk::Done;
    }
    store(unit, name, &wish.member, present)?;
    if let Some(connection) = wish.bind {
        unit.memory.rebind(connection, name, &wish.member);
    }
    proc::plan(unit, name);
    let record = unit
        .memory
        .presence
        .member(name, &wish.member)
        .map(|present| present.member.clone());
    let event = Event {
        kind: "up",
        member: &wish.member,
        record: record.as_ref(),
        epoch: None,
        reason,
    };
    tell(unit, name, &event)?;
    tell_watchers(unit, name, &wish.member, true);
    Ok(token)
}

/// One whose record somebody deleted may still be remembered, or named as the leader: that ends before another
/// takes its name. The tick sees who follows it.
fn end_remains(unit: &mut Unit<'_>, name: &Name, member: &str) -> Answer<()> {
    let led = proc::head(unit, name)?.leader.as_deref() == Some(member);
    if unit.memory.presence.member(name, member).is_some() {
        remove(unit, name, member, &Reason::Deleted)?;
    } else if led {
        election::vacate(unit, name)?;
    }
    if led {
        unit.memory.agenda.now(name);
    }
    Ok(())
}

/// A member that is there comes back with its token, and says again what it is.
pub fn resume(unit: &mut Unit<'_>, name: &Name, wish: &Registration) -> Answer<()> {
    let epoch = proc::head(unit, name)?.epoch;
    let order = unit.next_fence(epoch);
    update(unit, name, &wish.member, |record| {
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
    show(unit, name, &wish.member, wish.bind);
    Ok(())
}

/// Changes the record of a member, if that is a change.
pub fn update(unit: &mut Unit<'_>, name: &Name, member: &str, change: impl FnOnce(&mut Member)) -> Answer<()> {
    let Some(present) = unit.memory.presence.member(name, member) else {
        return Ok(());
    };
    let mut record = present.member.clone();
    change(&mut record);
    if record == present.member {
        return Ok(());
    }
    let mut present = present.clone();
    if !record.bind {
        present.closed = None;
    }
    present.member = record;
    store(unit, name, &member.into(), present)
}

fn store(unit: &mut Unit<'_>, name: &Name, member: &MemberName, present: Present) -> Answer<()> {
    let json = present.member.write();
    unit.keys.hset(name.members(), &[(member.as_bytes(), &json)])?;
    let service = unit.memory.presence.service(name);
    service.used = unit.env.steady;
    service.put(member, present, unit.env.settings.ttl);
    Ok(())
}

/// A sign of life, perhaps on a connection that it is bound to from now on.
pub fn show(unit: &mut Unit<'_>, name: &Name, member: &str, bind: Option<u64>) {
    if let Some(connection) = bind {
        unit.memory.rebind(connection, name, &member.into());
    }
    let service = unit.memory.presence.service(name);
    service.used = unit.env.steady;
    service.show(member, unit.env.steady, unit.env.settings.ttl);
    proc::plan(unit, name);
}

/// A member goes with the next tick, if it is there.
pub fn doom(unit: &mut Unit<'_>, name: &Name, member: &str, reason: Reason) {
    let Some(service) = unit.memory.presence.known_mut(name) else {
        return;
    };
    if service.member(member).is_some() {
        service.doomed.insert(member.into(), reason);
        unit.memory.agenda.now(name);
    }
}

/// A member goes: out of the records and the line of candidates, and the lead is free if it had it. What it held
/// ends at the end of the unit.
pub fn remove(unit: &mut Unit<'_>, name: &Name, member: &str, reason: &Reason) -> Answer<()> {
    if matches!(reason, Reason::Left | Reason::Evicted(_)) {
        election::make_room(unit, name, member)?;
    }
    let head = proc::head(unit, name)?;
    let below = unit.next_fence(head.epoch);
    let Some(present) = unit.memory.presence.service(name).take(member) else {
        return Ok(());
    };
    unit.memory.presence.unbind(name, member, &present.connections);
    unit.keys.hdel(name.members(), &[member.as_bytes()])?;
    if present.candidate {
        unit.keys.zrem(name.candidates(), &[member.as_bytes()])?;
    }
    let event = Event {
        kind: "down",
        member,
        record: Some(&present.member),
        epoch: None,
        reason: reason.text(),
    };
    tell(unit, name, &event)?;
    if head.leader.as_deref() == Some(member) {
        unit.memory.presence.service(name).settled = true;
        election::vacate(unit, name)?;
    }
    let lost = *reason != Reason::Left;
    unit.memory.presence.lost += u64::from(lost);
    unit.memory.presence.gone.push(Gone {
        service: name.clone(),
        member: member.into(),
        below,
        lost,
    });
    tell_watchers(unit, name, member, false);
    Ok(())
}

/// Answers those who waited for the member to come or to go, or for something that it cannot become any more.
pub fn tell_watchers(unit: &mut Unit<'_>, name: &Name, member: &str, is_there: bool) {
    if !is_there {
        for (ticket, _) in unit.memory.waiting.holders_as(name, member) {
            unit.answer(ticket, Err(Error::NoMember), Vec::new());
        }
    }
    for ticket in unit.memory.waiting.watchers_of(name, member) {
        match unit.memory.waiting.wish(ticket) {
            Some(Wish::Presence(_, _, there)) if *there == is_there => {
                unit.answer(ticket, Ok(Reply::Int(1)), Vec::new());
            }
            Some(Wish::Lead(..)) if !is_there => unit.answer(ticket, Err(Error::NoMember), Vec::new()),
            _ => {}
        }
    }
}

/// The same for all that wait for something about members of the service: somebody else changed its keys.
pub fn look_for_watchers(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    for member in unit.memory.waiting.watched(name) {
        let is_there = proc::find(unit, name, &member)?;
        tell_watchers(unit, name, &member, is_there);
    }
    Ok(())
}
