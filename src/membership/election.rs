//! Who leads. There is at most one leader of a service at any moment, and each has a larger epoch than all before.
//!
//! Those who want to lead stand in one line: candidates, which are members and stand in a sorted set, and clients
//! that wait to register as the exclusive holder, which are no members yet and stand in memory, as fleeting as
//! their connections.

use crate::error::{Error, Result};
use crate::membership::events::{Event, emit};
use crate::membership::leadership::EPOCH;
use crate::membership::leadership::LEADER;
use crate::membership::leadership::SINCE;
use crate::membership::record::MemberName;
use crate::membership::register::{Registered, register, render};
use crate::membership::registration::Registration;
use crate::membership::service;
use crate::membership::service_state::Loading;
use crate::membership::timer;
use crate::names::Name;
use crate::reply::Reply;
use crate::time::Ms;
use crate::tx::Tx;
use crate::waiting::{Granted, Ticket, WaitFor};

/// Largest priority of a candidate.
pub(crate) const MAX_PRIORITY: i64 = 1_000;
/// A place in the line: (1000 - priority) times this, plus the moment of arrival in ms. Exact as a score.
const ARRIVALS: i64 = 1 << 43;
/// Candidates of one look at the line.
const LOOKED_AT: usize = 16;
/// Most looks of one election. The tick elects again when those that were passed over have gone.
const LOOKS: usize = 32;
/// A service of no more members is read at once when the length of its reclaim window is asked for.
const FEW: usize = 1_000;

/// The next place in the line for one of this priority, behind all others of it.
pub(crate) fn next_place(tx: &mut Tx<'_>, name: &Name, priority: i64) -> i64 {
    let now = tx.context.wall.0;
    let service = tx.state.services.service(name);
    service.arrival = now.max(service.arrival + 1);
    (MAX_PRIORITY - priority) * ARRIVALS + service.arrival % ARRIVALS
}

/// Puts a member in the line, or where its new priority belongs. One that leads, or stands there and says no
/// priority, stays where it is.
pub(crate) fn stand(tx: &mut Tx<'_>, name: &Name, member: &str, priority: Option<i64>) -> Result<()> {
    if service::leadership(tx, name)?.leader.as_deref() == Some(member) {
        return Ok(());
    }
    let before = tx.keys.zscore(name.candidates(), member.as_bytes())?;
    let place = match (before, priority) {
        (Some(_), None) => return Ok(()),
        (Some(before), Some(priority)) => (MAX_PRIORITY - priority) * ARRIVALS + before.rem_euclid(ARRIVALS),
        (None, priority) => next_place(tx, name, priority.unwrap_or(0)),
    };
    if before != Some(place) {
        tx.keys.zadd(name.candidates(), &[(place, member.as_bytes())])?;
    }
    if let Some(present) = tx.state.services.service(name).member_mut(member) {
        present.candidate = true;
    }
    Ok(())
}

/// Takes a member out of the line; whether it stood there.
pub(crate) fn withdraw(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<bool> {
    let stood = tx.keys.zrem(name.candidates(), &[member.as_bytes()])? > 0;
    if let Some(present) = tx.state.services.service(name).member_mut(member) {
        present.candidate = false;
    }
    Ok(stood)
}

/// `BADARG` when a leader of this TTL could still believe to lead after the reclaim window is over.
pub(crate) fn may_lead(tx: &Tx<'_>, ttl: Ms) -> Result<(), Error> {
    let window = tx.context.config.reclaim_window;
    if window > 0 && ttl > window {
        return Err(Error::BadArg(format!(
            "TTL of one that may lead must not exceed steward.reclaim-window, {window} ms"
        )));
    }
    Ok(())
}

/// The same of a member that leads, stands in the line or `wants` to: `ttl` is what it is to have, else it keeps
/// its own, and one that is not there gets the default.
pub(crate) fn may_lead_with(
    tx: &mut Tx<'_>,
    name: &Name,
    member: &str,
    ttl: Option<Ms>,
    wants: bool,
) -> Result<(), Error> {
    let leads = service::leadership(tx, name)?.leader.as_deref() == Some(member);
    let present = tx.state.services.member(name, member);
    if !(wants || leads || present.is_some_and(|present| present.candidate)) {
        return Ok(());
    }
    let own = present.map_or(tx.context.config.ttl, |present| present.record.ttl);
    may_lead(tx, ttl.unwrap_or(own))
}

/// Appoints a leader when there is none: the first in the line that lives. Replies who leads.
pub(crate) fn elect(tx: &mut Tx<'_>, name: &Name) -> Result<Option<MemberName>> {
    loop {
        if let Some(leader) = service::leader(tx, name)? {
            tx.state.services.service(name).settled = true;
            return Ok(Some(leader));
        }
        let left = reclaim_left(tx, name)?;
        if left > 0 {
            let end = tx.context.steady.after(left);
            tx.state.wakeups.at_steady(name, end);
            return Ok(None);
        }
        let candidate = first_candidate(tx, name)?;
        let holder = tx.state.waiting.first_holder(name);
        let holder = holder.map(|(ticket, wish, place)| (ticket, wish.clone(), place));
        match (candidate, holder) {
            (Some((place, member)), holder) if holder.as_ref().is_none_or(|(_, _, other)| place < *other) => {
                appoint(tx, name, &member)?;
            }
            (_, Some((ticket, wish, _))) => admit(tx, name, ticket, &wish)?,
            (_, None) => {
                if service::leadership(tx, name)?.leader.is_some() {
                    // It names somebody who is no member.
                    vacate(tx, name)?;
                }
                return Ok(None);
            }
        }
    }
}

/// The first in the line of candidates that lives, with its place. What is no member with a token is taken out.
fn first_candidate(tx: &mut Tx<'_>, name: &Name) -> Result<Option<(i64, MemberName)>> {
    let mut after = None;
    for _ in 0..LOOKS {
        let line = tx.keys.zwalk(name.candidates(), after.as_ref(), false, LOOKED_AT)?;
        for (place, candidate) in &line {
            let member = std::str::from_utf8(candidate).unwrap_or_default();
            let there = !member.is_empty() && service::find(tx, name, member)?;
            let present = tx.state.services.member(name, member).filter(|_| there);
            match present {
                Some(present) if present.record.token.is_some() => {
                    // One whose time is over is left to the tick.
                    if !service::is_overdue(tx, present) {
                        return Ok(Some((*place, member.into())));
                    }
                }
                _ => {
                    tx.state
                        .skip_foreign_member(name, "a candidate that is no member with a token");
                    tx.keys.zrem(name.candidates(), &[candidate])?;
                    tx.state.wakeups.now(name);
                }
            }
        }
        if line.len() < LOOKED_AT {
            break;
        }
        after = line.into_iter().next_back();
    }
    Ok(None)
}

/// A member leads from now on, under a new epoch, which is replied. Those who waited for that are told.
pub(crate) fn appoint(tx: &mut Tx<'_>, name: &Name, member: &MemberName) -> Result<u64> {
    let mut head = service::leadership(tx, name)?;
    let epoch = tx.next_fence(head.epoch);
    let since = tx.context.wall.0;
    let (epoch_text, since_text) = (epoch.to_string(), since.to_string());
    tx.keys.hset(
        name.service(),
        &[
            (LEADER.as_bytes(), member.as_bytes()),
            (EPOCH.as_bytes(), epoch_text.as_bytes()),
            (SINCE.as_bytes(), since_text.as_bytes()),
        ],
    )?;
    head.leader = Some(member.clone());
    (head.epoch, head.since) = (epoch, since);
    let service = tx.state.services.service(name);
    service.leadership = Some(head);
    service.settled = true;
    withdraw(tx, name, member)?;
    let present = tx.state.services.member(name, member);
    let record = present.map(|present| present.record.clone());
    let event = Event {
        kind: "leader",
        member,
        record: record.as_ref(),
        epoch: Some(epoch),
        reason: "",
    };
    emit(tx, name, &event)?;
    for (ticket, wish) in tx.state.waiting.holders_as(name, member) {
        admit(tx, name, ticket, &wish)?;
    }
    for ticket in tx.state.waiting.watchers_of(name, member) {
        if matches!(tx.state.waiting.wish(ticket), Some(WaitFor::Lead(..))) {
            let reply = standing(tx, name, member)?;
            tx.answer(ticket, Ok(reply), Vec::new());
        }
    }
    Ok(epoch)
}

/// Nobody leads any more. The epoch stays: the next one must be larger.
pub(crate) fn vacate(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    let mut head = service::leadership(tx, name)?;
    head.leader = None;
    tx.keys.hdel(name.service(), &[LEADER.as_bytes(), SINCE.as_bytes()])?;
    tx.state.services.service(name).leadership = Some(head);
    Ok(())
}

/// The turn of a client that waits to register as the exclusive holder has come.
fn admit(tx: &mut Tx<'_>, name: &Name, ticket: Ticket, wish: &Registration) -> Result<()> {
    // Out of the line first: registering looks at it again.
    let Some(waiter) = tx.state.waiting.leave(ticket) else {
        return Ok(());
    };
    let registered = register(tx, name, wish, false, true);
    let handed = registered.as_ref().ok().and_then(|came| handed(name, wish, came));
    let reply = registered.map(|registered| render(tx, name, &registered));
    tx.state.waiting.tell(ticket, reply, handed.into_iter().collect());
    tx.state.services.seen(waiter.connection, None, tx.context.steady);
    Ok(())
}

/// What the client was given with that: not the registration of a member that was there before.
fn handed(name: &Name, wish: &Registration, came: &Registered) -> Option<Granted> {
    match came {
        Registered::In { token: Some(token), .. } if wish.token.is_none() => Some(Granted::Member {
            service: name.clone(),
            member: wish.member.clone(),
            token: *token,
        }),
        _ => None,
    }
}

/// How long no leader is appointed because a grant of just before a load or a promotion may be lost, ms.
pub(crate) fn reclaim_left(tx: &mut Tx<'_>, name: &Name) -> Result<Ms> {
    let window = tx.context.config.reclaim_window;
    let Some(since) = tx.state.services.reclaims_since.filter(|_| window > 0) else {
        return Ok(0);
    };
    let now = tx.context.steady;
    let left = |length: Ms| since.after(length.min(window)).since(now).max(0);
    if left(window) == 0 {
        tx.state.services.reclaims_since = None;
        return Ok(0);
    }
    if tx.state.services.known(name).is_some_and(|known| known.settled) {
        return Ok(0);
    }
    if (1..=FEW).contains(&tx.keys.hlen(name.members())?) {
        timer::load_all(tx, name)?;
    }
    let known = tx.state.services.known(name);
    let longest = match known.filter(|known| known.loading == Loading::Done) {
        Some(known) => known.longest_ttl,
        // Members that were not met yet may have any TTL.
        None if tx.keys.hlen(name.members())? > 0 => Some(window),
        None => None,
    };
    Ok(left(longest.unwrap_or(tx.context.config.ttl)))
}

/// A member that may have led before a load or a promotion makes room: no grant of before is feared for any more.
/// Whether one was.
pub(crate) fn make_room(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<bool> {
    let feared = service::leader(tx, name)?.is_none() && reclaim_left(tx, name)? > 0;
    let service = tx.state.services.service(name);
    let made = feared && service.member(member).is_some_and(|present| present.was_loaded);
    service.settled |= made;
    Ok(made)
}

/// Where a member stands, as HB.CAMPAIGN tells it.
pub(crate) fn standing(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<Reply> {
    let head = service::leadership(tx, name)?;
    let leader = service::leader(tx, name)?;
    let leads = leader.as_deref() == Some(member);
    let before = tx.keys.zrank(name.candidates(), member.as_bytes())?;
    let position = before.filter(|_| !leads).map(|before| before + 1);
    let reclaim = match &leader {
        Some(_) => 0,
        None => reclaim_left(tx, name)?,
    };
    Ok(Reply::Map(vec![
        ("role", role(leads, position.is_some())),
        (
            "epoch",
            leader.as_ref().map_or(Reply::Null, |_| Reply::number(head.epoch)),
        ),
        (
            "leader",
            leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())),
        ),
        ("position", position.map_or(Reply::Null, Reply::count)),
        ("reclaim", Reply::Int(reclaim)),
    ]))
}

/// The word for what a member is.
pub(crate) fn role(leads: bool, stands: bool) -> Reply {
    Reply::Word(match (leads, stands) {
        (true, _) => "leader",
        (false, true) => "candidate",
        (false, false) => "member",
    })
}
