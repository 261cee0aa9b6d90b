//! Unit tests of what is remembered of members, and a look behind the plan for the tests of others.

use super::*;
use crate::holds::Holds;

impl Service {
    /// Every member that has a deadline is planned for then or earlier, or for soon after when it is held; every
    /// moment of the plan and every host has its member.
    pub fn assert_planned(&self, default: Ms, holds: &Holds, now: Steady) {
        let planned: BTreeSet<(Steady, MemberName)> = self
            .members
            .iter()
            .filter_map(|(name, present)| Some((present.planned?, name.clone())))
            .collect();
        assert_eq!(planned, self.moments);
        for (name, present) in &self.members {
            if let Some((deadline, length)) = present.deadline(default) {
                let moment = present.planned.unwrap_or_else(|| panic!("{name} is not planned"));
                let held = !holds.may_expire(now.max(deadline), deadline, length);
                assert!(
                    moment <= deadline || held || deadline <= now,
                    "{name} {moment:?} {deadline:?}"
                );
                assert!(
                    moment <= deadline.max(now.after(1_000)),
                    "{name} {moment:?} {deadline:?}"
                );
            }
        }
        let mut ttls = BTreeMap::new();
        for present in self.members.values() {
            *ttls.entry(present.member.ttl).or_insert(0) += 1;
        }
        assert_eq!(ttls, self.ttls);
        let listed = self.hosts.values().flat_map(|boots| boots.values());
        assert!(listed.clone().all(|members| !members.is_empty()));
        let mut listed: Vec<MemberName> = listed.flatten().cloned().collect();
        listed.sort();
        let hosted = |present: &Present| present.member.host.is_some() && present.member.boot.is_some();
        let hosted = self.members.iter().filter(|(_, present)| hosted(present));
        assert_eq!(listed, hosted.map(|(name, _)| name.clone()).collect::<Vec<_>>());
    }
}
