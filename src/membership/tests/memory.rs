//! Unit tests of the state of members, and a check of the plan for other tests.

use std::collections::BTreeSet;

use crate::membership::leadership::Leadership;
use crate::membership::member::Member;
use crate::membership::record::{MemberName, MemberRecord};
use crate::membership::service_state::{Loading, NO_SIGNAL, ServiceState};
use crate::membership::services::Services;
use crate::names::Name;
use crate::stalls::Stalls;
use crate::time::{Ms, Steady};

impl ServiceState {
    /// Every member that has a deadline is planned for then or earlier, or for soon after when it is postponed; every
    /// moment of the plan and every host has its member.
    pub(super) fn assert_planned(&self, default: Ms, holds: &Stalls, now: Steady) {
        let planned: BTreeSet<(Steady, MemberName)> = self
            .members
            .iter()
            .filter_map(|member| Some((member.liveness.planned?, member.name.clone())))
            .collect();
        assert_eq!(planned, self.moments);
        for member in self.members.iter() {
            let name = &member.name;
            if let Some((deadline, length)) = member.deadline(default) {
                let moment = member
                    .liveness
                    .planned
                    .unwrap_or_else(|| panic!("{name} is not planned"));
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
        let current = self.members.iter().filter(|member| member.version == self.version);
        assert_eq!(self.current, current.count());
        let listed = self.hosts.values().flat_map(|boots| boots.values());
        assert!(listed.clone().all(|members| !members.is_empty()));
        let mut listed: Vec<MemberName> = listed.flatten().cloned().collect();
        listed.sort();
        let hosted = |member: &&Member| member.record.host.is_some() && member.record.boot.is_some();
        let hosted = self.members.after(None).filter(hosted);
        assert_eq!(listed, hosted.map(|member| member.name.clone()).collect::<Vec<_>>());
    }
}

const TTL: Ms = 15_000;

fn name(text: &str) -> Name {
    Name::of_service(0, text.as_bytes()).unwrap()
}

fn member(ttl: Ms) -> MemberRecord {
    MemberRecord {
        ttl,
        ..MemberRecord::default()
    }
}

/// A service `s` with these members, alive at 0.
fn with(members: &[(&str, MemberRecord)]) -> Services {
    let mut services = Services::default();
    for (member, record) in members {
        let mut member = Member::loaded((*member).into(), Steady(0));
        member.record = record.clone();
        services.service(&name("s")).put(member, TTL);
    }
    services
}

fn check(service: &ServiceState, now: Ms) {
    service.assert_planned(TTL, &Stalls::default(), Steady(now));
}

#[test]
fn a_beat_moves_nothing_but_a_moment_in_memory() {
    let mut services = with(&[("a", member(100)), ("b", member(300))]);
    let service = services.service(&name("s"));
    let plan = service.moments.clone();
    for now in [10, 50, 99] {
        service.member_mut("a").unwrap().liveness.touch(Steady(now));
        service.plan("a", TTL);
        assert_eq!(service.moments, plan);
    }
    assert_eq!(service.next(), Some(Steady(100)));
    assert_eq!(service.take_due(Steady(99)), None);
    assert_eq!(service.take_due(Steady(100)).as_deref(), Some("a"));
    // It was checked too early, and is planned for the moment at which it is due.
    service.plan("a", TTL);
    assert_eq!(service.next(), Some(Steady(199)));
    check(service, 100);
    // A heartbeat with an earlier moment changes nothing.
    service.member_mut("a").unwrap().liveness.touch(Steady(5));
    assert_eq!(service.member("a").unwrap().liveness.alive, Steady(99));
}

#[test]
fn a_shorter_ttl_is_planned_earlier_and_a_longer_one_not_later() {
    let mut services = with(&[("a", member(1_000))]);
    let service = services.service(&name("s"));
    for (ttl, next) in [(200, 200), (5_000, 200), (0, 200), (100, 100)] {
        let mut member = service.member("a").unwrap().clone();
        member.record.ttl = ttl;
        service.put(member, TTL);
        assert_eq!(service.next(), Some(Steady(next)), "{ttl}");
        check(service, 0);
    }
    assert!(service.take("a").is_some());
    assert_eq!((service.next(), service.count()), (None, 0));
    check(service, 0);
}

#[test]
fn the_deadline_is_that_of_the_ttl_or_of_the_grace() {
    let bound = |ttl, grace| MemberRecord {
        bind: true,
        grace,
        ..member(ttl)
    };
    let deadline = |record: &MemberRecord, connections: &[u64], closed: Option<Ms>| {
        let mut member = Member::new("a".into(), record.clone(), Steady(1_000));
        member.liveness.connections.extend_from_slice(connections);
        member.liveness.closed = closed.map(Steady);
        let deadline = member.deadline(TTL);
        deadline.map(|(moment, length)| (moment.0, length, member.reason(moment).text().to_string()))
    };
    let at = |moment, length, reason: &str| Some((moment, length, reason.to_string()));
    assert_eq!(deadline(&member(100), &[], None), at(1_100, 100, "ttl"));
    assert_eq!(deadline(&member(0), &[], None), None);
    assert_eq!(deadline(&bound(0, 0), &[7], None), None);
    assert_eq!(deadline(&bound(100, 50), &[7], None), at(1_100, 100, "ttl"));
    // After a load it has not reconnected yet.
    assert_eq!(deadline(&bound(0, 50), &[], None), at(16_000, TTL, "disconnect"));
    assert_eq!(deadline(&bound(100, 50), &[], None), at(1_100, 100, "ttl"));
    // Its connection was seen closing.
    assert_eq!(deadline(&bound(0, 50), &[], Some(1_020)), at(1_070, 50, "disconnect"));
    assert_eq!(deadline(&bound(100, 50), &[], Some(1_020)), at(1_070, 50, "disconnect"));
    assert_eq!(deadline(&bound(100, 500), &[], Some(1_020)), at(1_100, 100, "ttl"));
    assert_eq!(
        deadline(&bound(Ms::MAX, Ms::MAX), &[], Some(1_020)),
        at(Ms::MAX, Ms::MAX, "disconnect")
    );
}

#[test]
fn the_members_of_a_host_are_known_by_its_boots() {
    let on = |host: &str, boot: &str, order| MemberRecord {
        host: Some(host.into()),
        boot: Some(boot.into()),
        order,
        ..member(100)
    };
    let mut services = with(&[
        ("a", on("h", "1", 1)),
        ("b", on("h", "1", 2)),
        ("c", on("g", "1", 3)),
        ("d", member(100)),
    ]);
    let service = services.service(&name("s"));
    let others = |service: &ServiceState, host: &str, boot: &str| {
        let others = service.of_other_boots(host, boot);
        others.map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(others(service, "h", "2"), ["a", "b"]);
    assert!(others(service, "h", "1").is_empty());
    assert!(others(service, "other", "1").is_empty());
    assert!(service.rebooted_hosts().is_empty());
    service.put(Member::new("b".into(), on("h", "2", 4), Steady(0)), TTL);
    assert_eq!(others(service, "h", "2"), ["a"]);
    assert_eq!(service.rebooted_hosts(), [("h".into(), "2".into())].into());
    check(service, 0);
    service.take("a");
    service.put(Member::new("b".into(), member(100), Steady(0)), TTL);
    assert_eq!(service.hosts.keys().collect::<Vec<_>>(), ["g"]);
    check(service, 0);
}

#[test]
fn a_member_is_away_when_the_last_of_its_connections_has_closed() {
    let bound = MemberRecord {
        bind: true,
        grace: 50,
        ..member(0)
    };
    let mut services = with(&[("a", bound), ("free", member(0))]);
    let (s, a) = (name("s"), MemberName::from("a"));
    for connection in [1, 2, 2] {
        services.bind(connection, &s, &a);
    }
    services.bind(1, &s, &MemberName::from("free"));
    services.bind(1, &s, &MemberName::from("nobody"));
    assert_eq!(services.bound[&1].len(), 2);
    assert!(services.disconnected(1, Steady(10), TTL).is_empty());
    assert!(services.disconnected(1, Steady(11), TTL).is_empty());
    assert_eq!(services.disconnected(2, Steady(20), TTL), [(s.clone(), a.clone())]);
    let service = services.known(&s).unwrap();
    assert_eq!(
        (service.member("a").unwrap().liveness.closed, service.next()),
        (Some(Steady(20)), Some(Steady(70)))
    );
    check(service, 20);
    services.bind(3, &s, &a);
    assert_eq!(services.member(&s, "a").unwrap().deadline(TTL), None);
    services.unbind(&s, "a", &[3]);
    assert!(services.bound.is_empty());
}

#[test]
fn a_command_is_a_sign_of_life_of_those_bound_to_its_connection() {
    let mut services = with(&[("a", member(100)), ("b", member(100)), ("c", member(100))]);
    let s = name("s");
    for bound in ["a", "b"] {
        services.bind(1, &s, &MemberName::from(bound));
    }
    services.seen(1, None, Steady(10));
    services.seen(1, Some("b"), Steady(20));
    services.seen(1, Some("c"), Steady(30));
    services.seen(2, None, Steady(40));
    let alive = |services: &Services| ["a", "b", "c"].map(|it| services.member(&s, it).unwrap().liveness.alive.0);
    assert_eq!(alive(&services), [10, 20, 0]);
    services.unbind_all(|name| name.db == 1);
    services.seen(1, None, Steady(50));
    assert_eq!(alive(&services), [50, 50, 0]);
    services.unbind_all(|name| name.db == 0);
    services.seen(1, None, Steady(60));
    assert_eq!(alive(&services), [50, 50, 0]);
}

#[test]
fn the_later_of_its_own_signal_and_that_to_all_stands() {
    let of = |order, signal: Option<&str>, signal_order| MemberRecord {
        order,
        signal: signal.map(str::to_string),
        signal_order,
        ..member(100)
    };
    let mut services = with(&[
        ("before", of(5, None, 0)),
        ("after", of(15, None, 0)),
        ("own", of(5, Some("reload"), 8)),
        ("later", of(5, Some("reload"), 12)),
        ("cleared", of(5, None, 12)),
    ]);
    let s = name("s");
    let all = ["before", "after", "own", "later", "cleared", "nobody"];
    let signals = |services: &Services| all.map(|it| services.signal(&s, it).unwrap_or("-").to_string());
    assert_eq!(signals(&services), ["-", "-", "reload", "reload", "-", "-"]);
    for (word, shown) in [("stop", "stop"), (NO_SIGNAL, "-")] {
        services.service(&s).leadership = Some(Leadership {
            signal: Some((word.into(), 10)),
            ..Leadership::default()
        });
        assert_eq!(signals(&services), [shown, "-", shown, "reload", "-", "-"]);
        assert_eq!(services.is_quiet(&s, "own"), word == "stop");
        assert!(!services.is_quiet(&s, "later"));
    }
}

#[test]
fn a_queue_follows_the_service_of_its_name_until_it_is_told_otherwise() {
    let mut services = Services::default();
    let (a, b, c) = (name("{t}a"), name("{t}b"), name("{t}c"));
    assert!(services.followers(&a).eq([&a]));
    services.follow(&b, Some(&a));
    services.follow(&c, Some(&a));
    services.follow(&c, Some(&a));
    let of = |services: &Services, name| BTreeSet::from_iter(services.followers(name).cloned());
    assert_eq!(of(&services, &a), BTreeSet::from([a.clone(), b.clone(), c.clone()]));
    assert_eq!(services.followers(&b).count(), 0);
    services.follow(&a, Some(&b));
    services.follow(&c, Some(&b));
    assert!(services.followers(&a).eq([&b]));
    assert_eq!(of(&services, &b), BTreeSet::from([a.clone(), c.clone()]));
    for queue in [&a, &b, &c] {
        services.follow(queue, None);
    }
    assert!(services.followers(&b).eq([&b]));
    assert!(services.followers.is_empty() && services.following.is_empty());
}

#[test]
fn what_a_new_walk_does_not_meet_is_told() {
    let mut services = with(&[("a", member(100)), ("b", member(100))]);
    let service = services.service(&name("s"));
    service.loading = Loading::Done;
    assert!(service.not_loaded().is_empty());
    service.forget();
    assert_eq!((service.loading, service.not_loaded().len()), (Loading::At(0, 0), 2));
    let member = service.member("a").unwrap().clone();
    service.put(member, TTL);
    assert_eq!(service.not_loaded(), [MemberName::from("b")]);
    let version = service.version;
    service.start_over();
    assert!(service.version > version && service.count() == 0 && service.next().is_none());
    check(service, 0);
}
