//! Workers as members of the service that their queue follows.

use crate::error::Error;
use crate::keyspace::Answer;
use crate::names::Name;
use crate::presence::Walk;
use crate::proc;
use crate::unit::Unit;
use crate::waiting::{Lease, Want};

/// Nothing, when the worker may hold what it wants: a claim that lasts as long as its member needs a member
/// (`NoMember`) that can die (`BadArg`).
pub fn check(unit: &mut Unit<'_>, queue: &Name, want: &Want) -> Answer<()> {
    if want.lease != Some(Lease::Member) {
        return Ok(());
    }
    let service = super::service(unit, queue)?;
    if !proc::find(unit, &service, &want.worker)? {
        return Err(Error::NoMember);
    }
    let present = unit.memory.presence.member(&service, &want.worker);
    match present.map(|present| present.member.ttl) {
        Some(0) => Err(Error::BadArg(
            "LEASE MEMBER needs a worker that is a member with a TTL: this one has TTL 0".into(),
        )),
        _ => Ok(()),
    }
}

/// Whether the worker is a member that was told to take no more work.
pub fn is_quiet(unit: &mut Unit<'_>, service: &Name, worker: &str) -> bool {
    let Some(known) = unit.memory.presence.known(service) else {
        return false;
    };
    if known.walk != Walk::Done {
        // Keys of another type are told of by the service's own tick.
        let _ = proc::find(unit, service, worker);
        let _ = proc::head(unit, service);
    }
    unit.memory.presence.is_quiet(service, worker)
}

/// Whether a claim that lasts as long as its member has outlived it.
pub fn is_gone(unit: &mut Unit<'_>, queue: &Name, service: &Name, number: u32) -> bool {
    match super::worker_name(unit, queue, number) {
        Ok(Some(worker)) => proc::find(unit, service, &worker).is_ok_and(|there| !there),
        Ok(None) => true,
        // A key of another type: nothing is known of anybody.
        Err(_) => false,
    }
}

/// How the worker is as a member; `None` when it is none.
pub fn state(unit: &mut Unit<'_>, service: &Name, worker: &str) -> Option<&'static str> {
    unit.memory.presence.known(service)?;
    let there = proc::find(unit, service, worker).unwrap_or(false);
    let present = unit.memory.presence.member(service, worker).filter(|_| there)?;
    Some(if present.is_away() { "grace" } else { "up" })
}
