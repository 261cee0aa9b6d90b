//! What time moves in one service, a slice at a time.

use crate::error::Result;
use crate::membership::election;
use crate::membership::member::Member;
use crate::membership::member::Reason;
use crate::membership::members;
use crate::membership::service;
use crate::membership::service_state::Loading;
use crate::names::Name;
use crate::time::{Ms, SECOND};
use crate::tx::Tx;

/// Members that go in one slice.
const GONE: usize = 32;
/// Members that are looked at in one slice: most gave a sign of life since their moment was planned.
const LOOKED_AT: usize = 512;
/// Members that get the same deadline after a load, so that no later tick has more than its share.
const TOGETHER: i64 = 100;
/// What could not be dealt with is tried again after this long, ms.
const RETRY: Ms = SECOND;
/// A member that is held for another turn of the event loop is looked at again after this long, ms.
const TURN: Ms = 10;

/// One slice of everything that is due in the service.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    let retry = tx.context.steady.after(RETRY);
    let done = service::ensure_types(tx, name)
        .and_then(|()| walk(tx, name))
        .and_then(|()| end_doomed(tx, name))
        .and_then(|()| end_overdue(tx, name))
        .and_then(|()| election::elect(tx, name));
    match done {
        Ok(_) => service::plan(tx, name),
        Err(error) => {
            // Until somebody repairs the key.
            tx.state.skip_foreign_member(name, &error.to_string());
            tx.state.wakeups.at_steady(name, retry);
        }
    }
}

/// Meets all members at once, for one whose answer depends on them.
pub(crate) fn load_all(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    while tx.state.services.service(name).loading != Loading::Done {
        walk(tx, name)?;
    }
    Ok(())
}

/// The next members are met: those that are new in memory get their full time from now on.
fn walk(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    let Loading::At(cursor, mut met) = tx.state.services.service(name).loading else {
        return Ok(());
    };
    let (next, some) = tx.keys.hscan(name.members(), cursor)?;
    for (member, stored) in some {
        let member = std::str::from_utf8(&member).unwrap_or_default();
        let alive = tx.context.steady.after(met / TOGETHER);
        let known = tx.state.services.member(name, member).map(|present| present.version);
        let version = tx.state.services.service(name).version;
        if known != Some(version) {
            met += i64::from(service::load(tx, name, member, Some(&stored), alive));
        }
    }
    let service = tx.state.services.service(name);
    if next != 0 {
        service.loading = Loading::At(next, met);
        tx.state.wakeups.now(name);
        return Ok(());
    }
    service.loading = Loading::Done;
    for member in service.not_loaded() {
        members::mark_dead(tx, name, &member, Reason::Deleted);
    }
    for member in tx.state.services.service(name).of_earlier_boots() {
        members::mark_dead(tx, name, &member, Reason::Reboot);
    }
    members::rescan_watchers(tx, name)
}

/// Members whose end is known go.
fn end_doomed(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    for _ in 0..GONE {
        let Some((member, reason)) = tx.state.services.service(name).dead.pop_first() else {
            return Ok(());
        };
        // It may have come back meanwhile.
        let present = tx.state.services.member(name, &member);
        let goes = match reason {
            Reason::Disconnect => present.is_some_and(Member::is_away),
            Reason::Deleted => !service::find(tx, name, &member)?,
            _ => true,
        };
        if goes {
            members::remove(tx, name, &member, &reason)?;
        }
    }
    if !tx.state.services.service(name).dead.is_empty() {
        tx.state.wakeups.now(name);
    }
    Ok(())
}

/// Members whose time is over go, unless a stall or a freeze holds them.
fn end_overdue(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    let now = tx.context.steady;
    let default = tx.context.config.ttl;
    let mut gone = 0;
    for _ in 0..LOOKED_AT {
        if gone == GONE {
            break;
        }
        let Some(member) = tx.state.services.service(name).take_due(now) else {
            return Ok(());
        };
        // Somebody else may have changed its record.
        let there = service::find(tx, name, &member)?;
        let Some(present) = tx.state.services.member(name, &member).filter(|_| there) else {
            continue;
        };
        let Some((deadline, _)) = present.deadline(default) else {
            continue;
        };
        if deadline > now {
            tx.state.services.service(name).plan_at(&member, deadline);
        } else if service::is_waiting(tx, present) {
            members::touch(tx, name, &member, None);
        } else if service::is_overdue(tx, present) {
            let reason = present.reason(now);
            members::remove(tx, name, &member, &reason)?;
            gone += 1;
        } else {
            // Held until then, or for another turn of the loop.
            let turn = now.after(TURN);
            let held = tx.state.stalls.until(now).unwrap_or(turn);
            let moment = held.clamp(turn, now.after(RETRY));
            tx.state.services.service(name).plan_at(&member, moment);
        }
    }
    tx.state.wakeups.now(name);
    Ok(())
}
