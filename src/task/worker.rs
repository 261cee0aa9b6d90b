//! Workers as members of the service that their queue follows.

use crate::error::{Error, Result};
use crate::presence::Walk;
use crate::proc;
use crate::task::handle::Queue;
use crate::waiting::{ClaimRequest, Lease};

/// Errors unless the worker may hold what it wants: a claim that lasts as long as its member needs a member
/// (`NoMember`) that can die (`BadArg`).
pub(crate) fn ensure_may_claim(queue: &mut Queue<'_>, request: &ClaimRequest) -> Result<()> {
    if request.lease != Some(Lease::Member) {
        return Ok(());
    }
    let service = queue.settings.service.clone();
    if !proc::find(&mut queue.tx(), &service, &request.worker)? {
        return Err(Error::NoMember);
    }
    let present = queue.state.presence.member(&service, &request.worker);
    match present.map(|present| present.member.ttl) {
        Some(0) => Err(Error::BadArg(
            "LEASE MEMBER needs a worker that is a member with a TTL: this one has TTL 0".into(),
        )),
        _ => Ok(()),
    }
}

/// Whether the worker is a member that was told to take no more work.
pub(crate) fn is_quiet(queue: &mut Queue<'_>, worker: &str) -> bool {
    let Some(known) = queue.state.presence.known(&queue.settings.service) else {
        return false;
    };
    if known.walk != Walk::Done {
        // Keys of another type are told of by the service's own timer.
        let service = queue.settings.service.clone();
        let _ = proc::find(&mut queue.tx(), &service, worker);
        let _ = proc::head(&mut queue.tx(), &service);
    }
    queue.state.presence.is_quiet(&queue.settings.service, worker)
}

/// Whether the worker of this number, which held a claim for as long as it is a member, is none any more.
pub(crate) fn is_gone(queue: &mut Queue<'_>, number: u32) -> bool {
    match queue.worker_name(number) {
        Ok(Some(worker)) => {
            let service = queue.settings.service.clone();
            proc::find(&mut queue.tx(), &service, &worker).is_ok_and(|there| !there)
        }
        Ok(None) => true,
        // A key of another type: nothing is known of anybody.
        Err(_) => false,
    }
}

/// How the worker is as a member; `None` when it is none.
pub(crate) fn member_state(queue: &mut Queue<'_>, worker: &str) -> Option<&'static str> {
    let service = queue.settings.service.clone();
    queue.state.presence.known(&service)?;
    let there = proc::find(&mut queue.tx(), &service, worker).unwrap_or(false);
    let present = queue.state.presence.member(&service, worker).filter(|_| there)?;
    Some(if present.is_away() { "grace" } else { "up" })
}
