//! The members of every service with their liveness and connections. All of it is derived from the keys or lasts only
//! as long as a connection.
//!
//! A heartbeat only changes one moment in memory. The timer's check of a member is planned once and moved only when it
//! has come, so a heartbeat costs the same for one member and for a hundred thousand.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::membership::member::Member;
use crate::membership::record::MemberName;
use crate::membership::service_state::ServiceState;
use crate::names::{ByName, Memories, Name};
use crate::time::{Ms, Steady};

/// All services.
#[derive(Debug, Default)]
pub(crate) struct Services {
    services: Memories<ServiceState>,
    /// The members bound to each connection.
    pub(super) bound: HashMap<u64, SmallVec<[(Name, MemberName); 1]>, RandomState>,
    /// Members that were removed in this transaction and whose claims are still to be ended.
    pub gone: Vec<Gone>,
    /// The queues that follow a service of another name.
    pub(super) followers: ByName<BTreeSet<Name>>,
    pub(super) following: ByName<Name>,
    /// When data was last loaded or the server promoted: grants made just before may be lost.
    pub reclaims_since: Option<Steady>,
    /// Total of members that died, without those that left.
    pub lost: u64,
}

/// A member that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    /// Its service.
    pub service: Name,
    /// Its name, which is also the worker's.
    pub member: MemberName,
    /// Claims with smaller tokens are its own.
    pub below: u64,
    /// Whether its claims count as lost; otherwise they are released.
    pub lost: bool,
}

impl Services {
    /// The state of a service, created if missing.
    pub(crate) fn service(&mut self, name: &Name) -> &mut ServiceState {
        let place = self.services.get_or_make(name, ServiceState::default);
        self.services.at(place)
    }

    /// The state of a service, if there is any.
    pub(crate) fn known(&self, name: &Name) -> Option<&ServiceState> {
        self.services.get(name)
    }

    /// The same, mutable.
    pub(crate) fn known_mut(&mut self, name: &Name) -> Option<&mut ServiceState> {
        self.services.get_mut(name)
    }

    /// All services in memory, mutable.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut ServiceState)> {
        self.services.iter_mut()
    }

    /// Forgets a service.
    pub(crate) fn forget(&mut self, name: &Name) {
        self.services.remove(name);
    }

    /// A member.
    pub(crate) fn member(&self, service: &Name, member: &str) -> Option<&Member> {
        self.services.get(service)?.member(member)
    }

    /// The standing signal of a member: its own, or a later one to all.
    pub(crate) fn signal(&self, service: &Name, member: &str) -> Option<&str> {
        let service = self.services.get(service)?;
        service.signal(&service.member(member)?.record)
    }

    /// Whether a worker is a member whose signal forbids it new work.
    pub(crate) fn is_quiet(&self, service: &Name, worker: &str) -> bool {
        matches!(self.signal(service, worker), Some("quiet" | "stop"))
    }

    /// Binds a member to a connection.
    pub(crate) fn bind(&mut self, connection: u64, service: &Name, member: &MemberName) {
        let known = self.services.get_mut(service);
        if let Some(known) = known.and_then(|service| service.member_mut(member)) {
            known.liveness.closed = None;
            if !known.liveness.connections.contains(&connection) {
                known.liveness.connections.push(connection);
                let bound = self.bound.entry(connection).or_default();
                bound.push((service.clone(), member.clone()));
            }
        }
    }

    /// Unbinds a member from its connections.
    pub(crate) fn unbind(&mut self, service: &Name, member: &str, connections: &[u64]) {
        for connection in connections {
            if let Some(bound) = self.bound.get_mut(connection) {
                bound.retain(|(name, known)| !(name == service && known.as_ref() == member));
                if bound.is_empty() {
                    self.bound.remove(connection);
                }
            }
        }
    }

    /// Unbinds a closed connection; the members for which it was the last one.
    pub(crate) fn disconnected(&mut self, connection: u64, now: Steady, default_ttl: Ms) -> Vec<(Name, MemberName)> {
        let mut away = Vec::new();
        for (name, member) in self.bound.remove(&connection).unwrap_or_default() {
            let Some(service) = self.services.get_mut(&name) else {
                continue;
            };
            let Some(known) = service.member_mut(&member) else {
                continue;
            };
            known.liveness.connections.retain(|open| *open != connection);
            if known.is_away() {
                known.liveness.closed = Some(now);
                service.plan(&member, default_ttl);
                away.push((name, member));
            }
        }
        away
    }

    /// A command came over a connection: a heartbeat of the members bound to it, or of the one it names.
    pub(crate) fn seen(&mut self, connection: u64, named: Option<&str>, now: Steady) {
        let Some(bound) = self.bound.get(&connection) else {
            return;
        };
        for (name, member) in bound {
            if named.is_none_or(|named| named == member.as_ref())
                && let Some(service) = self.services.get_mut(name)
                && let Some(member) = service.member_mut(member)
            {
                member.liveness.touch(now);
            }
        }
    }

    /// The shortest TTL of the members bound to a connection, ms; `None` if none of them has any.
    pub(crate) fn shortest_ttl(&self, connection: u64) -> Option<Ms> {
        let bound = self.bound.get(&connection).into_iter().flatten();
        let ttls = bound.filter_map(|(name, member)| Some(self.member(name, member)?.record.ttl));
        ttls.filter(|ttl| *ttl > 0).min()
    }

    /// Unbinds all connections from members of these services.
    pub(crate) fn unbind_all(&mut self, of: impl Fn(&Name) -> bool) {
        self.bound.retain(|_, members| {
            members.retain(|(name, _)| !of(name));
            !members.is_empty()
        });
    }

    /// Records which service a queue follows; `None`: the one of its own name.
    pub(crate) fn follow(&mut self, queue: &Name, service: Option<&Name>) {
        if self.following.get(queue) == service {
            return;
        }
        if let Some(before) = self.following.remove(queue)
            && let Some(queues) = self.followers.get_mut(&before)
        {
            queues.remove(queue);
            if queues.is_empty() {
                self.followers.remove(&before);
            }
        }
        if let Some(service) = service {
            self.following.insert(queue.clone(), service.clone());
            self.followers.entry(service.clone()).or_default().insert(queue.clone());
        }
    }

    /// The service a queue follows, according to the settings that were read.
    pub(crate) fn followed_by<'a>(&'a self, queue: &'a Name) -> &'a Name {
        self.following.get(queue).unwrap_or(queue)
    }

    /// The queues that may follow a service: that of its name, and those whose settings say so. They may be many.
    pub(crate) fn followers<'a>(&'a self, service: &'a Name) -> impl Iterator<Item = &'a Name> {
        let others = self.followers.get(service).into_iter().flatten();
        let own = (!self.following.contains_key(service)).then_some(service);
        own.into_iter().chain(others)
    }
}
