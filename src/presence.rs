//! Who is alive: the members of every service with their last sign of life and their connections. All of it is
//! read from the keys or as fleeting as a connection; what a member is stands in its record ([`Member`]).
//!
//! A beat only moves a moment in memory. The moment at which a member is to be looked at is planned once and
//! moved only when it has come, so a beat costs the same for one member and for a hundred thousand.

mod member;
mod members;
mod registration;
#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use smallvec::SmallVec;

pub use member::Member;
use members::Members;
pub use registration::Registration;

use crate::names::{ByName, Id, Name};
use crate::time::{Ms, Steady};

/// Name of a member, shared between the tables.
pub type MemberName = Rc<str>;

/// All services.
#[derive(Debug, Default)]
pub struct Presence {
    services: ByName<Service>,
    known: BTreeSet<Name>,
    /// The members bound to each connection.
    bound: HashMap<u64, SmallVec<[(Name, MemberName); 1]>>,
    /// Members that went in this unit and whose claims are still to be ended.
    pub gone: Vec<Gone>,
    /// The queues that follow a service of another name.
    followers: ByName<BTreeSet<Name>>,
    following: ByName<Name>,
    /// When data was last loaded or the server promoted: grants of just before may be lost.
    pub reclaims_since: Option<Steady>,
    /// Members that died; those that left are not counted.
    pub lost: u64,
}

/// A member that went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its service.
    pub service: Name,
    /// Its name, which is that of the worker.
    pub member: MemberName,
    /// Claims with smaller tokens are its own.
    pub below: u64,
    /// Whether its claims count as lost; else they are as if released.
    pub lost: bool,
}

/// A claim that is bound to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The queue of the task.
    pub queue: Name,
    /// The task.
    pub id: Id,
    /// The number of the worker that holds it.
    pub worker: u32,
}

/// What is remembered of one service.
#[derive(Debug, Default)]
pub struct Service {
    /// The service's own hash, read; `None` after anybody else may have changed it.
    pub head: Option<Head>,
    /// How far the members were walked since anybody else may have changed them.
    pub walk: Walk,
    /// Grows with every change by somebody else: what was read before is read again.
    pub version: u64,
    /// Members that are to go with the next tick, and why.
    pub doomed: BTreeMap<MemberName, Reason>,
    /// Whether it had a leader since data was loaded, or one left that may have been it: then no grant of before
    /// is feared for any more.
    pub settled: bool,
    /// The largest TTL of the members that were met in the data, ms, those that died since included; the largest
    /// number for an endless one.
    pub longest_ttl: Option<Ms>,
    /// Place in the line of the last candidate that came, ms.
    pub arrival: Ms,
    /// When something was last done with it.
    pub used: Steady,
    /// Whether the log was told about a foreign entry.
    pub complained: bool,
    members: Members,
    /// How many of them carry this version: when all do, nobody has to be looked for.
    current: usize,
    moments: BTreeSet<(Steady, MemberName)>,
    /// Host → boot id → members.
    hosts: BTreeMap<String, BTreeMap<String, BTreeSet<MemberName>>>,
}

/// The service's own hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Who leads.
    pub leader: Option<MemberName>,
    /// Epoch of the last leader.
    pub epoch: u64,
    /// Since when it leads, unix ms.
    pub since: Ms,
    /// The standing signal to all that had registered when it was given, and that moment.
    pub signal: Option<(String, u64)>,
}

/// How far the walk over the members is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The next cursor, and how many members were met.
    At(u64, i64),
    /// All members are in memory.
    Done,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk::At(0, 0)
    }
}

/// Why a member went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No sign of life for its TTL.
    Ttl,
    /// Its last bound connection closed.
    Disconnect,
    /// An operator put it out, with these words.
    Evicted(String),
    /// Its host was booted since.
    Reboot,
    /// Another process took its name.
    Replaced,
    /// It left.
    Left,
    /// Somebody deleted its record.
    Deleted,
}

impl Reason {
    /// As the events tell it.
    pub fn text(&self) -> &str {
        match self {
            Reason::Ttl => "ttl",
            Reason::Disconnect => "disconnect",
            Reason::Evicted(words) => words,
            Reason::Reboot => "reboot",
            Reason::Replaced => "replaced",
            Reason::Left => "left",
            Reason::Deleted => "deleted",
        }
    }
}

/// A member that is there.
#[derive(Clone, Debug)]
pub struct Present {
    /// Its record.
    pub member: Member,
    /// The version of the service in which the record was read.
    pub version: u64,
    /// Whether it was met in the data: this process did not register it.
    pub was_met: bool,
    /// Its token, once it was shown.
    pub token: Option<u64>,
    /// Its last sign of life.
    pub alive: Steady,
    /// Its open bound connections.
    pub connections: SmallVec<[u64; 1]>,
    /// When the last of them closed.
    pub closed: Option<Steady>,
    /// Claims that were bound to a connection that closed; they go over to the one it comes back with.
    pub parked: Vec<(u64, Bound)>,
    /// Whether it is in the line of those who want to lead.
    pub candidate: bool,
    /// What it last said of itself.
    pub status: Option<String>,
    planned: Option<Steady>,
}

impl Present {
    /// A member that shows itself now.
    pub fn new(member: Member, alive: Steady) -> Present {
        Present {
            member,
            version: 0,
            was_met: false,
            token: None,
            alive,
            connections: SmallVec::new(),
            closed: None,
            parked: Vec::new(),
            candidate: false,
            status: None,
            planned: None,
        }
    }

    /// One that is met in the data; its record is still to be read.
    pub fn met(alive: Steady) -> Present {
        Present {
            was_met: true,
            ..Present::new(Member::default(), alive)
        }
    }

    /// Whether it is bound and has no connection: it may come back.
    pub fn is_away(&self) -> bool {
        self.member.bind && self.connections.is_empty()
    }

    /// How long it lives without a sign of life, ms; `None` for ever. A bound member without a TTL that has not
    /// come back after a load gets `default`.
    fn ttl(&self, default: Ms) -> Option<Ms> {
        match self.member.ttl {
            0 if self.closed.is_none() && self.is_away() => Some(default),
            0 => None,
            ttl => Some(ttl),
        }
    }

    /// When it dies without a sign of life, and how long it had; `None` for never.
    pub fn deadline(&self, default: Ms) -> Option<(Steady, Ms)> {
        let silent = self.ttl(default).map(|ttl| (self.alive.after(ttl), ttl));
        let away = self
            .closed
            .map(|closed| (closed.after(self.member.grace), self.member.grace));
        silent.into_iter().chain(away).min_by_key(|(moment, _)| *moment)
    }

    /// Why it dies at its deadline.
    pub fn reason(&self, now: Steady) -> Reason {
        let away = self.closed.is_some_and(|closed| closed.after(self.member.grace) <= now);
        if away || (self.member.ttl == 0 && self.is_away()) {
            Reason::Disconnect
        } else {
            Reason::Ttl
        }
    }

    /// Notes a sign of life.
    pub fn show(&mut self, now: Steady) {
        self.alive = self.alive.max(now);
        if self.closed.is_some() {
            self.closed = Some(now);
        }
    }
}

impl Service {
    /// A member that is there.
    pub fn member(&self, name: &str) -> Option<&Present> {
        self.members.get(name)
    }

    /// A member that is there, to change its liveness.
    pub fn member_mut(&mut self, name: &str) -> Option<&mut Present> {
        self.members.get_mut(name)
    }

    /// The members by name, those beyond `after`.
    pub fn members_after<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = (&'a MemberName, &'a Present)> {
        self.members.after(after)
    }

    /// How many members there are in memory.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// Puts a member in, or its new record in the place of the old one.
    pub fn put(&mut self, name: &MemberName, mut present: Present, default_ttl: Ms) {
        let known = self.members.get(name).map(|known| known.version);
        self.current += usize::from(known != Some(self.version));
        present.version = self.version;
        self.unlist(name);
        if let (Some(host), Some(boot)) = (&present.member.host, &present.member.boot) {
            let boots = self.hosts.entry(host.clone()).or_default();
            boots.entry(boot.clone()).or_default().insert(name.clone());
        }
        present.planned = self.members.get(name).and_then(|known| known.planned);
        self.members.insert(name, present);
        self.plan(name, default_ttl);
    }

    /// Notes a sign of life of a member. That moves its deadline away, so that mostly nothing is planned anew.
    pub fn show(&mut self, name: &str, now: Steady, default_ttl: Ms) {
        let Some(present) = self.members.get_mut(name) else {
            return;
        };
        present.show(now);
        let due = present.deadline(default_ttl).map(|(due, _)| due);
        if due.is_some_and(|due| present.planned.is_none_or(|planned| due < planned)) {
            self.plan(name, default_ttl);
        }
    }

    /// The signal that stands for a member of this record: its own, or a later one to all.
    pub fn signal<'a>(&'a self, own: &'a Member) -> Option<&'a str> {
        let to_all = self
            .head
            .as_ref()
            .and_then(|head| head.signal.as_ref())
            .filter(|(_, at)| *at > own.order && *at > own.signal_at);
        match to_all {
            Some((word, _)) => Some(word.as_str()).filter(|word| *word != NO_SIGNAL),
            None => own.signal.as_deref(),
        }
    }

    /// Takes a member out.
    pub fn take(&mut self, name: &str) -> Option<Present> {
        self.unlist(name);
        let (name, present) = self.members.remove(name)?;
        if let Some(moment) = present.planned {
            self.moments.remove(&(moment, name.clone()));
        }
        self.doomed.remove(&name);
        self.current -= usize::from(present.version == self.version);
        Some(present)
    }

    fn unlist(&mut self, name: &str) {
        let Some(known) = self.members.get(name) else {
            return;
        };
        let Member { host, boot, .. } = &known.member;
        let (Some(host), Some(boot)) = (host, boot) else {
            return;
        };
        if let Some(boots) = self.hosts.get_mut(host) {
            if let Entry::Occupied(mut members) = boots.entry(boot.clone()) {
                members.get_mut().remove(name);
                if members.get().is_empty() {
                    members.remove();
                }
            }
            if boots.is_empty() {
                self.hosts.remove(host);
            }
        }
    }

    /// The members of a host that registered under another boot id.
    pub fn of_other_boots(&self, host: &str, boot: &str) -> Vec<MemberName> {
        self.hosts
            .get(host)
            .into_iter()
            .flatten()
            .filter(|(known, _)| known.as_str() != boot)
            .flat_map(|(_, members)| members.iter().cloned())
            .collect()
    }

    /// Makes sure that a member is looked at when it is due. One that is looked at too early is planned anew.
    pub fn plan(&mut self, name: &str, default_ttl: Ms) {
        let Some(present) = self.members.get(name) else {
            return;
        };
        match (present.deadline(default_ttl), present.planned) {
            (Some((due, _)), None) => self.plan_at(name, due),
            (Some((due, _)), Some(planned)) if due < planned => self.plan_at(name, due),
            _ => {}
        }
    }

    /// Makes sure that a member is looked at then, and not before.
    pub fn plan_at(&mut self, name: &str, moment: Steady) {
        let Some((name, _)) = self.members.get_entry(name) else {
            return;
        };
        let name = name.clone();
        if let Some(present) = self.members.get_mut(&name)
            && let Some(before) = present.planned.replace(moment)
        {
            self.moments.remove(&(before, name.clone()));
        }
        self.moments.insert((moment, name));
    }

    /// The next member whose moment has come, taken off the plan.
    pub fn take_due(&mut self, now: Steady) -> Option<MemberName> {
        let (moment, name) = self.moments.first()?;
        if *moment > now {
            return None;
        }
        let (moment, name) = (*moment, name.clone());
        self.moments.remove(&(moment, name.clone()));
        if let Some(present) = self.members.get_mut(&name) {
            present.planned = None;
        }
        Some(name)
    }

    /// When the next member is to be looked at.
    pub fn next(&self) -> Option<Steady> {
        self.moments.first().map(|(moment, _)| *moment)
    }

    /// Somebody else may have changed its keys.
    pub fn forget(&mut self) {
        self.head = None;
        self.version += 1;
        self.current = 0;
        self.walk = Walk::default();
    }

    /// The members of hosts that were booted since: of each host only those of the boot that registered last stay.
    pub fn of_earlier_boots(&self) -> Vec<MemberName> {
        let order = |name: &MemberName| self.member(name).map_or(0, |present| present.member.order);
        let mut earlier = Vec::new();
        for boots in self.hosts.values().filter(|boots| boots.len() > 1) {
            let latest = boots
                .values()
                .max_by_key(|members| members.iter().map(order).max())
                .into_iter()
                .flatten();
            let latest: BTreeSet<&MemberName> = latest.collect();
            let all = boots.values().flatten();
            earlier.extend(all.filter(|name| !latest.contains(name)).cloned());
        }
        earlier
    }

    /// The members that were not met by a walk that is over.
    pub fn unmet(&self) -> Vec<MemberName> {
        if self.current == self.members.len() {
            return Vec::new();
        }
        self.members
            .iter()
            .filter(|(_, present)| present.version != self.version)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Nothing is known of its members any more.
    pub fn start_over(&mut self) {
        let version = self.version + 1;
        *self = Service {
            version,
            arrival: self.arrival,
            used: self.used,
            ..Service::default()
        };
    }
}

impl Presence {
    /// The memory of a service, made when there is none yet.
    pub fn service(&mut self, name: &Name) -> &mut Service {
        if !self.services.contains_key(name) {
            self.known.insert(name.clone());
        }
        self.services.entry(name.clone()).or_default()
    }

    /// The memory of a service, if there is any.
    pub fn known(&self, name: &Name) -> Option<&Service> {
        self.services.get(name)
    }

    /// The memory of a service to change, if there is any.
    pub fn known_mut(&mut self, name: &Name) -> Option<&mut Service> {
        self.services.get_mut(name)
    }

    /// All services in memory.
    pub fn services(&self) -> impl Iterator<Item = (&Name, &Service)> {
        self.services.iter()
    }

    /// All services in memory, to change.
    pub fn services_mut(&mut self) -> impl Iterator<Item = (&Name, &mut Service)> {
        self.services.iter_mut()
    }

    /// The names seen so far in database `db`, in order, beyond `after`. Some may have no keys any more.
    pub fn names_after<'a>(&'a self, db: i32, after: Option<&'a Name>) -> impl Iterator<Item = &'a Name> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        self.known
            .range::<Name, _>((start, Unbounded))
            .filter(move |name| name.db == db)
    }

    /// Forgets a service that has no keys here.
    pub fn forget(&mut self, name: &Name) {
        self.services.remove(name);
        self.known.remove(name);
    }

    /// A member that is there.
    pub fn member(&self, service: &Name, member: &str) -> Option<&Present> {
        self.services.get(service)?.member(member)
    }

    /// The signal that stands for a member: its own, or a later one to all.
    pub fn signal(&self, service: &Name, member: &str) -> Option<&str> {
        let service = self.services.get(service)?;
        service.signal(&service.member(member)?.member)
    }

    /// Whether a worker is a member that was told to take no more work.
    pub fn is_quiet(&self, service: &Name, worker: &str) -> bool {
        matches!(self.signal(service, worker), Some("quiet" | "stop"))
    }

    /// Ties a member to a connection.
    pub fn bind(&mut self, connection: u64, service: &Name, member: &MemberName) {
        if let Some(present) = self.service(service).member_mut(member) {
            present.closed = None;
            if !present.connections.contains(&connection) {
                present.connections.push(connection);
                let bound = self.bound.entry(connection).or_default();
                bound.push((service.clone(), member.clone()));
            }
        }
    }

    /// The connections of a member that went mean nothing to it any more.
    pub fn unbind(&mut self, service: &Name, member: &str, connections: &[u64]) {
        for connection in connections {
            if let Some(bound) = self.bound.get_mut(connection) {
                bound.retain(|(name, known)| !(name == service && known.as_ref() == member));
                if bound.is_empty() {
                    self.bound.remove(connection);
                }
            }
        }
    }

    /// The members bound to a connection.
    pub fn bound_to(&self, connection: u64) -> &[(Name, MemberName)] {
        self.bound.get(&connection).map_or(&[], |bound| bound.as_slice())
    }

    /// A connection closed: the members for which it was the last one.
    pub fn disconnected(&mut self, connection: u64, now: Steady, default_ttl: Ms) -> Vec<(Name, MemberName)> {
        let mut away = Vec::new();
        for (name, member) in self.bound.remove(&connection).unwrap_or_default() {
            let Some(service) = self.services.get_mut(&name) else {
                continue;
            };
            let Some(present) = service.member_mut(&member) else {
                continue;
            };
            present.connections.retain(|open| *open != connection);
            if present.is_away() {
                present.closed = Some(now);
                service.plan(&member, default_ttl);
                away.push((name, member));
            }
        }
        away
    }

    /// A command came over a connection: a sign of life of the members bound to it, or of the one it names.
    pub fn seen(&mut self, connection: u64, named: Option<&str>, now: Steady) {
        let Some(bound) = self.bound.get(&connection) else {
            return;
        };
        for (name, member) in bound {
            if named.is_none_or(|named| named == member.as_ref())
                && let Some(present) = self
                    .services
                    .get_mut(name)
                    .and_then(|service| service.member_mut(member))
            {
                present.show(now);
            }
        }
    }

    /// No connection is bound to members of these services any more.
    pub fn unbind_all(&mut self, of: impl Fn(&Name) -> bool) {
        self.bound.retain(|_, members| {
            members.retain(|(name, _)| !of(name));
            !members.is_empty()
        });
    }

    /// Notes which service a queue follows; `None`: the one of its own name.
    pub fn follow(&mut self, queue: &Name, service: Option<&Name>) {
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

    /// The service a queue follows, as far as its settings were read.
    pub fn followed_by<'a>(&'a self, queue: &'a Name) -> &'a Name {
        self.following.get(queue).unwrap_or(queue)
    }

    /// The queues that may follow a service: that of its name, and those that were told to.
    pub fn followers(&self, service: &Name) -> Vec<Name> {
        let told = self.followers.get(service).into_iter().flatten();
        let own = (!self.following.contains_key(service)).then_some(service);
        own.into_iter().chain(told).cloned().collect()
    }
}

/// The word that clears a standing signal.
pub const NO_SIGNAL: &str = "none";
