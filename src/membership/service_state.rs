//! The state of one service: its members by name, by host and by the moment the timer checks them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::membership::leadership::Leadership;
use crate::membership::leaving::Leaving;
use crate::membership::liveness::Reason;
use crate::membership::member::Member;
use crate::membership::record::{MemberName, MemberRecord};
use crate::membership::table::MemberTable;
use crate::time::{Ms, Steady};

/// The word that clears a standing signal.
pub(crate) const NO_SIGNAL: &str = "none";

/// The state of one service.
#[derive(Debug, Default)]
pub(crate) struct ServiceState {
    /// The service's own hash as read; `None` after another client may have changed it.
    pub leadership: Option<Leadership>,
    /// How far the members were read since another client may have changed them.
    pub loading: Loading,
    /// Whether all members are in memory, though not by the timer's loading.
    pub is_complete: bool,
    /// Grows with every change by another client: earlier reads are then repeated.
    pub version: u64,
    /// Members that the timer is to remove, and why.
    pub dead: BTreeMap<MemberName, Reason>,
    /// Members that go in slices.
    pub leaving: Leaving,
    /// Whether it had a leader since data was loaded, or a possible earlier leader has left: then no grant from before
    /// the load can still be in force.
    pub settled: bool,
    /// Whether the leader gets a new epoch when it shows itself: a larger one may have been given before a load or a
    /// promotion, and lost.
    pub renew_lead: bool,
    /// The longest TTL of the members that were found in the data, ms, including those that have died since; the
    /// largest number when one is endless.
    pub longest_ttl: Option<Ms>,
    /// When the last candidate joined the line, ms; no two have the same moment.
    pub arrival: Ms,
    /// Whether it is in the line of those to be measured.
    pub listed: bool,
    /// When it was last measured.
    pub seen: Steady,
    /// Whether the log was told about a foreign entry.
    pub logged: bool,
    pub(super) members: MemberTable,
    /// How many members have this version: when all do, none is missing in the data.
    pub(super) current: usize,
    /// When the timer checks which member.
    pub(super) moments: BTreeSet<(Steady, MemberName)>,
    /// Host → boot id → members.
    pub(super) hosts: BTreeMap<String, BTreeMap<String, BTreeSet<MemberName>>>,
}

/// How far the members were read into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loading {
    /// The next cursor, and how many members were new in memory.
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
    /// A member.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// A member, to change its liveness.
    pub(crate) fn member_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.members.get_mut(name)
    }

    /// The members by name, those beyond `after`.
    pub(crate) fn members_after<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = &'a Member> {
        self.members.after(after)
    }

    /// How many members there are in memory.
    pub(crate) fn count(&self) -> usize {
        self.members.len()
    }

    /// Adds a member, or replaces the one of its name.
    pub(crate) fn put(&mut self, mut member: Member, default_ttl: Ms) {
        let name = member.name.clone();
        let known = self.members.get(&name);
        self.current += usize::from(known.map(|known| known.version) != Some(self.version));
        member.version = self.version;
        member.liveness.planned = known.and_then(|known| known.liveness.planned);
        self.leave_host(&name);
        if let (Some(host), Some(boot)) = (&member.record.host, &member.record.boot) {
            let boots = self.hosts.entry(host.clone()).or_default();
            boots.entry(boot.clone()).or_default().insert(name.clone());
        }
        self.members.insert(member);
        self.plan(&name, default_ttl);
    }

    /// Records a heartbeat of a member. That only moves its deadline further away, so that the plan rarely changes.
    pub(crate) fn touch(&mut self, name: &str, now: Steady, default_ttl: Ms) {
        let Some(member) = self.members.get_mut(name) else {
            return;
        };
        member.liveness.touch(now);
        let planned = member.liveness.planned;
        let due = member.deadline(default_ttl).map(|(due, _)| due);
        if due.is_some_and(|due| planned.is_none_or(|planned| due < planned)) {
            self.plan(name, default_ttl);
        }
    }

    /// The standing signal of a member with this record: its own, or a later one to all.
    pub(crate) fn signal<'a>(&'a self, own: &'a MemberRecord) -> Option<&'a str> {
        let to_all = self
            .leadership
            .as_ref()
            .and_then(|leadership| leadership.signal.as_ref())
            .filter(|(_, at)| *at > own.order && *at > own.signal_order);
        match to_all {
            Some((word, _)) => Some(word.as_str()).filter(|word| *word != NO_SIGNAL),
            None => own.signal.as_deref(),
        }
    }

    /// Removes a member.
    pub(crate) fn take(&mut self, name: &str) -> Option<Member> {
        self.leave_host(name);
        let member = self.members.remove(name)?;
        if let Some(moment) = member.liveness.planned {
            self.moments.remove(&(moment, member.name.clone()));
        }
        self.dead.remove(name);
        self.current -= usize::from(member.version == self.version);
        Some(member)
    }

    fn leave_host(&mut self, name: &str) {
        let record = self.members.get(name).map(|member| &member.record);
        let Some(MemberRecord {
            host: Some(host),
            boot: Some(boot),
            ..
        }) = record
        else {
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
    pub(crate) fn of_other_boots(&self, host: &str, boot: &str) -> impl Iterator<Item = &MemberName> {
        let boots = self.hosts.get(host).into_iter().flatten();
        let others = boots.filter(move |(known, _)| known.as_str() != boot);
        others.flat_map(|(_, members)| members)
    }

    /// Makes sure that the timer checks a member when it is due. A check that comes too early plans the next one.
    pub(crate) fn plan(&mut self, name: &str, default_ttl: Ms) {
        let Some(member) = self.members.get(name) else {
            return;
        };
        if let Some((due, _)) = member.deadline(default_ttl)
            && member.liveness.planned.is_none_or(|planned| due < planned)
        {
            self.plan_at(name, due);
        }
    }

    /// Plans the timer's check of a member for then, and not before.
    pub(crate) fn plan_at(&mut self, name: &str, moment: Steady) {
        let Some(member) = self.members.get_mut(name) else {
            return;
        };
        let name = member.name.clone();
        if let Some(before) = member.liveness.planned.replace(moment) {
            self.moments.remove(&(before, name.clone()));
        }
        self.moments.insert((moment, name));
    }

    /// Removes the next member that is due from the plan and returns it.
    pub(crate) fn take_due(&mut self, now: Steady) -> Option<MemberName> {
        let (_, name) = self.moments.first().filter(|(moment, _)| *moment <= now)?;
        let name = name.clone();
        self.moments.pop_first();
        if let Some(member) = self.members.get_mut(&name) {
            member.liveness.planned = None;
        }
        Some(name)
    }

    /// When the timer checks the next member.
    pub(crate) fn next(&self) -> Option<Steady> {
        self.moments.first().map(|(moment, _)| *moment)
    }

    /// Another client may have changed its keys.
    pub(crate) fn forget(&mut self) {
        self.leadership = None;
        self.version += 1;
        self.current = 0;
        self.loading = Loading::default();
        self.is_complete = false;
    }

    /// A member may have changed: its record is read again. Whether it is known.
    pub(crate) fn outdate(&mut self, member: &str) -> bool {
        let Some(known) = self.members.get_mut(member) else {
            return false;
        };
        self.current -= usize::from(known.version == self.version);
        known.version = self.version.wrapping_sub(1);
        true
    }

    /// Why a member goes, if it does.
    pub(crate) fn is_leaving(&self, member: &str) -> Option<Reason> {
        self.leaving.reason(&self.member(member)?.record)
    }

    /// The next members that go.
    pub(crate) fn next_leaving(&mut self, most: usize) -> Vec<MemberName> {
        let boots = self.leaving.boots.iter();
        let rebooted = boots.flat_map(|(host, boot)| self.of_other_boots(host, boot));
        let mut next: Vec<MemberName> = rebooted.take(most).cloned().collect();
        if let Some(below) = self.leaving.dropped_below {
            let mut after = self.leaving.after.take();
            for member in self.members_after(after.clone().as_deref()) {
                if next.len() == most {
                    break;
                }
                after = Some(member.name.clone());
                if member.record.order < below {
                    next.push(member.name.clone());
                }
            }
            self.leaving.after = after;
        }
        next
    }

    /// Hosts whose members have several boot ids, with the one that registered last: the others are of earlier boots.
    pub(crate) fn rebooted_hosts(&self) -> BTreeMap<String, String> {
        let order = |name: &MemberName| self.member(name).map_or(0, |member| member.record.order);
        let rebooted = self.hosts.iter().filter(|(_, boots)| boots.len() > 1);
        let latest = rebooted.filter_map(|(host, boots)| {
            let latest = boots.iter().max_by_key(|(_, members)| members.iter().map(order).max());
            latest.map(|(boot, _)| (host.clone(), boot.clone()))
        });
        latest.collect()
    }

    /// The members that a complete reading of the data did not find.
    pub(crate) fn not_loaded(&self) -> Vec<MemberName> {
        if self.current == self.members.len() {
            return Vec::new();
        }
        let missing = self.members.iter().filter(|member| member.version != self.version);
        missing.map(|member| member.name.clone()).collect()
    }

    /// Whether it has no members, and none is to be removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.len() == 0 && self.dead.is_empty()
    }

    /// Forgets its members.
    pub(crate) fn start_over(&mut self) {
        let version = self.version + 1;
        *self = ServiceState {
            version,
            arrival: self.arrival,
            listed: self.listed,
            seen: self.seen,
            ..ServiceState::default()
        };
    }
}
