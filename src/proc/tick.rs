//! What time moves in one service, a slice at a time.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::presence::{Present, Reason, Walk};
use crate::proc::{self, election, roster};
use crate::time::{Ms, SECOND};
use crate::unit::Unit;

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
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    let retry = unit.env.steady.after(RETRY);
    let done = proc::check(unit, name)
        .and_then(|()| walk(unit, name))
        .and_then(|()| end_doomed(unit, name))
        .and_then(|()| end_overdue(unit, name))
        .and_then(|()| election::elect(unit, name));
    match done {
        Ok(_) => proc::plan(unit, name),
        Err(error) => {
            // Until somebody repairs the key.
            unit.memory.skip_foreign_member(name, &error.to_string());
            unit.memory.agenda.at_steady(name, retry);
        }
    }
}

/// Meets all members at once, for one whose answer depends on them.
pub fn meet_all(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    while unit.memory.presence.service(name).walk != Walk::Done {
        walk(unit, name)?;
    }
    Ok(())
}

/// The next members are met: those that are new in memory get their full time from now on.
fn walk(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let Walk::At(cursor, mut met) = unit.memory.presence.service(name).walk else {
        return Ok(());
    };
    let (next, some) = unit.keys.hscan(name.members(), cursor)?;
    for (member, stored) in some {
        let member = std::str::from_utf8(&member).unwrap_or_default();
        let alive = unit.env.steady.after(met / TOGETHER);
        let known = unit.memory.presence.member(name, member).map(|present| present.version);
        let version = unit.memory.presence.service(name).version;
        if known != Some(version) {
            met += i64::from(proc::adopt(unit, name, member, Some(&stored), alive));
        }
    }
    let service = unit.memory.presence.service(name);
    if next != 0 {
        service.walk = Walk::At(next, met);
        unit.memory.agenda.now(name);
        return Ok(());
    }
    service.walk = Walk::Done;
    for member in service.unmet() {
        roster::doom(unit, name, &member, Reason::Deleted);
    }
    for member in unit.memory.presence.service(name).of_earlier_boots() {
        roster::doom(unit, name, &member, Reason::Reboot);
    }
    roster::look_for_watchers(unit, name)
}

/// Members whose end is known go.
fn end_doomed(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    for _ in 0..GONE {
        let Some((member, reason)) = unit.memory.presence.service(name).doomed.pop_first() else {
            return Ok(());
        };
        // It may have come back meanwhile.
        let present = unit.memory.presence.member(name, &member);
        let goes = match reason {
            Reason::Disconnect => present.is_some_and(Present::is_away),
            Reason::Deleted => !proc::find(unit, name, &member)?,
            _ => true,
        };
        if goes {
            roster::remove(unit, name, &member, &reason)?;
        }
    }
    if !unit.memory.presence.service(name).doomed.is_empty() {
        unit.memory.agenda.now(name);
    }
    Ok(())
}

/// Members whose time is over go, unless a stall or a freeze holds them.
fn end_overdue(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let now = unit.env.steady;
    let default = unit.env.settings.ttl;
    let mut gone = 0;
    for _ in 0..LOOKED_AT {
        if gone == GONE {
            break;
        }
        let Some(member) = unit.memory.presence.service(name).take_due(now) else {
            return Ok(());
        };
        // Somebody else may have changed its record.
        let there = proc::find(unit, name, &member)?;
        let Some(present) = unit.memory.presence.member(name, &member).filter(|_| there) else {
            continue;
        };
        let Some((deadline, _)) = present.deadline(default) else {
            continue;
        };
        if deadline > now {
            unit.memory.presence.service(name).plan_at(&member, deadline);
        } else if proc::is_waiting(unit, present) {
            roster::show(unit, name, &member, None);
        } else if proc::is_overdue(unit, present) {
            let reason = present.reason(now);
            roster::remove(unit, name, &member, &reason)?;
            gone += 1;
        } else {
            // Held until then, or for another turn of the loop.
            let turn = now.after(TURN);
            let held = unit.memory.holds.until(now).unwrap_or(turn);
            let moment = held.clamp(turn, now.after(RETRY));
            unit.memory.presence.service(name).plan_at(&member, moment);
        }
    }
    unit.memory.agenda.now(name);
    Ok(())
}
