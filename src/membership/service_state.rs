//! What is remembered of one service: its members by name, by host and by the moment they are to be looked at.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::membership::leadership::Leadership;
use crate::membership::member::Member;
use crate::membership::member::Reason;
use crate::membership::record::MemberName;
use crate::membership::record::MemberRecord;
use crate::membership::table::Members;
use crate::time::{Ms, Steady};

/// The word that clears a standing signal.
pub(crate) const NO_SIGNAL: &str = "none";

/// What is remembered of one service.
#[derive(Debug, Default)]
pub(crate) struct ServiceState {
    /// The service's own hash, read; `None` after anybody else may have changed it.
    pub leadership: Option<Leadership>,
    /// How far the members were walked since anybody else may have changed them.
    pub loading: Loading,
    /// Grows with every change by somebody else: what was read before is read again.
    pub version: u64,
    /// Members that are to go with the next tick, and why.
    pub dead: BTreeMap<MemberName, Reason>,
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
    pub(super) members: Members,
    /// How many of them carry this version: when all do, nobody has to be looked for.
    pub(super) current: usize,
    pub(super) moments: BTreeSet<(Steady, MemberName)>,
    /// Host → boot id → members.
    pub(super) hosts: BTreeMap<String, BTreeMap<String, BTreeSet<MemberName>>>,
}

/// How far the walk over the members is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loading {
    /// The next cursor, and how many members were met.
    At(u64, i64),
    /// All members are in memory.
    Done,
}

impl Default for Loading {
    fn default() -> Loading {
        Loading::At(0, 0)
    }
}

impl ServiceState {
    /// A member that is there.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// A member that is there, to change its liveness.
    pub(crate) fn member_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.members.get_mut(name)
    }

    /// The members by name, those beyond `after`.
    pub(crate) fn members_after<'a>(
        &'a self,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a MemberName, &'a Member)> {
        self.members.after(after)
    }

    /// How many members there are in memory.
    pub(crate) fn count(&self) -> usize {
        self.members.len()
    }

    /// Puts a member in, or its new record in the place of the old one.
    pub(crate) fn put(&mut self, name: &MemberName, mut present: Member, default_ttl: Ms) {
        let known = self.members.get(name).map(|known| known.version);
        self.current += usize::from(known != Some(self.version));
        present.version = self.version;
        self.unlist(name);
        if let (Some(host), Some(boot)) = (&present.record.host, &present.record.boot) {
            let boots = self.hosts.entry(host.clone()).or_default();
            boots.entry(boot.clone()).or_default().insert(name.clone());
        }
        present.planned = self.members.get(name).and_then(|known| known.planned);
        self.members.insert(name, present);
        self.plan(name, default_ttl);
    }

    /// Notes a sign of life of a member. That moves its deadline away, so that mostly nothing is planned anew.
    pub(crate) fn touch(&mut self, name: &str, now: Steady, default_ttl: Ms) {
        let Some(present) = self.members.get_mut(name) else {
            return;
        };
        present.touch(now);
        let due = present.deadline(default_ttl).map(|(due, _)| due);
        if due.is_some_and(|due| present.planned.is_none_or(|planned| due < planned)) {
            self.plan(name, default_ttl);
        }
    }

    /// The signal that stands for a member of this record: its own, or a later one to all.
    pub(crate) fn signal<'a>(&'a self, own: &'a MemberRecord) -> Option<&'a str> {
        let to_all = self
            .leadership
            .as_ref()
            .and_then(|head| head.signal.as_ref())
            .filter(|(_, at)| *at > own.order && *at > own.signal_at);
        match to_all {
            Some((word, _)) => Some(word.as_str()).filter(|word| *word != NO_SIGNAL),
            None => own.signal.as_deref(),
        }
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Member> {
        self.unlist(name);
        let (name, present) = self.members.remove(name)?;
        if let Some(moment) = present.planned {
            self.moments.remove(&(moment, name.clone()));
        }
        self.dead.remove(&name);
        self.current -= usize::from(present.version == self.version);
        Some(present)
    }

    fn unlist(&mut self, name: &str) {
        let Some(known) = self.members.get(name) else {
            return;
        };
        let MemberRecord { host, boot, .. } = &known.record;
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
    pub(crate) fn of_other_boots(&self, host: &str, boot: &str) -> Vec<MemberName> {
        self.hosts
            .get(host)
            .into_iter()
            .flatten()
            .filter(|(known, _)| known.as_str() != boot)
            .flat_map(|(_, members)| members.iter().cloned())
            .collect()
    }

    /// Makes sure that a member is looked at when it is due. One that is looked at too early is planned anew.
    pub(crate) fn plan(&mut self, name: &str, default_ttl: Ms) {
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
    pub(crate) fn plan_at(&mut self, name: &str, moment: Steady) {
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
    pub(crate) fn take_due(&mut self, now: Steady) -> Option<MemberName> {
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
    pub(crate) fn next(&self) -> Option<Steady> {
        self.moments.first().map(|(moment, _)| *moment)
    }

    /// Somebody else may have changed its keys.
    pub(crate) fn forget(&mut self) {
        self.leadership = None;
        self.version += 1;
        self.current = 0;
        self.loading = Loading::default();
    }

    /// The members of hosts that were booted since: of each host only those of the boot that registered last stay.
    pub(crate) fn of_earlier_boots(&self) -> Vec<MemberName> {
        let order = |name: &MemberName| self.member(name).map_or(0, |present| present.record.order);
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
    pub(crate) fn not_loaded(&self) -> Vec<MemberName> {
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
    pub(crate) fn start_over(&mut self) {
        let version = self.version + 1;
        *self = ServiceState {
            version,
            arrival: self.arrival,
            used: self.used,
            ..ServiceState::default()
        };
    }
}
