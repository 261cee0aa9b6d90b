//! Workers as members of the service that their queue follows.

use crate::error::{Error, Result};
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::task::handle::Queue;
use crate::waiting::{ClaimRequest, Lease};

/// The service whose members are the workers of the queue.
fn service<'q>(queue: &'q mut Queue<'_>) -> Service<'q> {
    Service {
        keys: &mut *queue.keys,
        state: &mut *queue.state,
        context: queue.context,
        name: queue.settings.service.clone(),
    }
}

/// Errors unless the worker may make this claim: LEASE MEMBER needs a worker that is a member (else `NoMember`) with a
/// TTL (else `BadArg`).
pub(crate) fn ensure_may_claim(queue: &mut Queue<'_>, request: &ClaimRequest) -> Result<()> {
    if request.lease != Some(Lease::Member) {
        return Ok(());
    }
    let found = service(queue).find(&request.worker)?.map(|member| member.record.ttl);
    let Some(ttl) = found else {
        return Err(no_member(queue, &request.worker));
    };
    match ttl {
        0 => Err(Error::BadArg(
            "LEASE MEMBER needs a worker that is a member with a TTL: this one has TTL 0".into(),
        )),
        _ => Ok(()),
    }
}

/// Errors with `NoMember` unless the worker is a member.
pub(crate) fn ensure_there(queue: &mut Queue<'_>, worker: &str) -> Result<()> {
    match service(queue).find(worker)? {
        Some(_) => Ok(()),
        None => Err(no_member(queue, worker)),
    }
}

fn no_member(queue: &Queue<'_>, worker: &str) -> Error {
    let (service, name) = (queue.settings.service.text(), queue.name.text());
    Error::NoMember(worker.into(), format!("{service} (setting service of queue {name})"))
}

/// Whether the worker is a member that a signal told to take no more work.
pub(crate) fn is_quiet(queue: &mut Queue<'_>, worker: &str) -> bool {
    let Some(known) = queue.state.services.known(&queue.settings.service) else {
        return false;
    };
    if known.loading != Loading::Done {
        // The service's own timer reports keys of another type.
        let mut service = service(queue);
        let _ = service.find(worker);
        let _ = service.leadership();
    }
    queue.state.services.is_quiet(&queue.settings.service, worker)
}

/// Whether the worker of this number, with a claim that lasts as long as its member, is not a member any more.
pub(crate) fn is_gone(queue: &mut Queue<'_>, number: u32) -> bool {
    match queue.worker_name(number) {
        Ok(Some(worker)) => service(queue).find(&worker).is_ok_and(|member| member.is_none()),
        Ok(None) => true,
        // A key of another type: its members are unknown.
        Err(_) => false,
    }
}

/// The members of the service that a queue follows, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// The service was never used: workers need not be members.
    Unused,
    /// There are none any more, or not yet.
    None,
    /// All have lost their connections, and have their grace to come back.
    Away,
    /// Some are up.
    Up,
}

/// How the members of the service are.
pub(crate) fn membership(queue: &mut Queue<'_>) -> Result<Membership> {
    let is_own = queue.settings.service == queue.name;
    let service = service(queue);
    if service.keys.hlen(service.name.members())? == 0 {
        let is_used =
            !is_own || service.keys.exists(service.name.service()) || service.keys.exists(service.name.events());
        return Ok(if is_used { Membership::None } else { Membership::Unused });
    }
    let known = service.known().filter(|known| known.loading == Loading::Done);
    let all_away = known.is_some_and(|known| known.members_after(None).all(|member| member.is_away()));
    Ok(if all_away { Membership::Away } else { Membership::Up })
}

/// The state of the worker as a member; `None` if it is not one.
pub(crate) fn member_state(queue: &mut Queue<'_>, worker: &str) -> Option<&'static str> {
    let mut service = service(queue);
    service.known()?;
    let member = service.find(worker).ok()??;
    Some(if member.is_away() { "grace" } else { "up" })
}
