//! Workers as members of the service that their queue follows.

use crate::error::{Error, Result};
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::names::Name;
use crate::task;
use crate::tx::Tx;
use crate::waiting::{ClaimRequest, Lease};

/// Nothing, when the worker may hold what it wants: a claim that lasts as long as its member needs a member
/// (`NoMember`) that can die (`BadArg`).
pub(crate) fn check(tx: &mut Tx<'_>, queue: &Name, want: &ClaimRequest) -> Result<()> {
    if want.lease != Some(Lease::Member) {
        return Ok(());
    }
    let service = task::service(tx, queue)?;
    let mut service = Service::of(tx, &service);
    let member = service.find(&want.worker)?.ok_or(Error::NoMember)?;
    match member.record.ttl {
        0 => Err(Error::BadArg(
            "LEASE MEMBER needs a worker that is a member with a TTL: this one has TTL 0".into(),
        )),
        _ => Ok(()),
    }
}

/// Whether the worker is a member that was told to take no more work.
pub(crate) fn is_quiet(tx: &mut Tx<'_>, service: &Name, worker: &str) -> bool {
    let Some(known) = tx.state.services.known(service) else {
        return false;
    };
    if known.loading != Loading::Done {
        // Keys of another type are told of by the service's own tick.
        let mut service = Service::of(tx, service);
        let _ = service.find(worker);
        let _ = service.leadership();
    }
    tx.state.services.is_quiet(service, worker)
}

/// Whether a claim that lasts as long as its member has outlived it.
pub(crate) fn is_gone(tx: &mut Tx<'_>, queue: &Name, service: &Name, number: u32) -> bool {
    match task::worker_name(tx, queue, number) {
        Ok(Some(worker)) => Service::of(tx, service)
            .find(&worker)
            .is_ok_and(|member| member.is_none()),
        Ok(None) => true,
        // A key of another type: nothing is known of anybody.
        Err(_) => false,
    }
}

/// How the worker is as a member; `None` when it is none.
pub(crate) fn state(tx: &mut Tx<'_>, service: &Name, worker: &str) -> Option<&'static str> {
    tx.state.services.known(service)?;
    let mut service = Service::of(tx, service);
    let member = service.find(worker).ok()??;
    Some(if member.is_away() { "grace" } else { "up" })
}
