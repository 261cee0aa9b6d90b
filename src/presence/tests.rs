//! Unit tests of what is remembered of members, and a look behind the plan for the tests of others.

use super::*;
use crate::stalls::Stalls;

impl Service {
    /// Every member that has a deadline is planned for then or earlier, or for soon after when it is held; every
    /// moment of the plan and every host has its member.
    pub fn assert_planned(&self, default: Ms, holds: &Stalls, now: Steady) {
        let planned: BTreeSet<(Steady, MemberName)> = self
            .members
            .iter()
            .filter_map(|(name, present)| Some((present.planned?, name.clone())))
            .collect();
        assert_eq!(planned, self.moments);
        for (name, present) in self.members.iter() {
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
        let current = |present: &Present| present.version == self.version;
        let current = self.members.iter().filter(|(_, present)| current(present));
        assert_eq!(self.current, current.count());
        let listed = self.hosts.values().flat_map(|boots| boots.values());
        assert!(listed.clone().all(|members| !members.is_empty()));
        let mut listed: Vec<MemberName> = listed.flatten().cloned().collect();
        listed.sort();
        let hosted = |present: &Present| present.member.host.is_some() && present.member.boot.is_some();
        let hosted = self.members.after(None).filter(|(_, present)| hosted(present));
        assert_eq!(listed, hosted.map(|(name, _)| name.clone()).collect::<Vec<_>>());
    }
}

const TTL: Ms = 15_000;

fn name(text: &str) -> Name {
    Name::of_service(0, text.as_bytes()).unwrap()
}

fn member(ttl: Ms) -> Member {
    Member {
        ttl,
        ..Member::default()
    }
}

/// A service `s` with these members, alive at 0.
fn with(members: &[(&str, Member)]) -> Presence {
    let mut presence = Presence::default();
    for (member, record) in members {
        let mut present = Present::met(Steady(0));
        present.member = record.clone();
        presence.service(&name("s")).put(&Rc::from(*member), present, TTL);
    }
    presence
}

fn check(service: &Service, now: Ms) {
    service.assert_planned(TTL, &Stalls::default(), Steady(now));
}

#[test]
fn a_beat_moves_nothing_but_a_moment_in_memory() {
    let mut presence = with(&[("a", member(100)), ("b", member(300))]);
    let service = presence.service(&name("s"));
    let plan = service.moments.clone();
    for now in [10, 50, 99] {
        service.member_mut("a").unwrap().show(Steady(now));
        service.plan("a", TTL);
        assert_eq!(service.moments, plan);
    }
    assert_eq!(service.next(), Some(Steady(100)));
    assert_eq!(service.take_due(Steady(99)), None);
    assert_eq!(service.take_due(Steady(100)).as_deref(), Some("a"));
    // It was looked at too early, and is planned for the moment at which it is due.
    service.plan("a", TTL);
    assert_eq!(service.next(), Some(Steady(199)));
    check(service, 100);
    // A beat of the past changes nothing.
    service.member_mut("a").unwrap().show(Steady(5));
    assert_eq!(service.member("a").unwrap().alive, Steady(99));
}

#[test]
fn a_shorter_ttl_is_planned_earlier_and_a_longer_one_not_later() {
    let mut presence = with(&[("a", member(1_000))]);
    let service = presence.service(&name("s"));
    for (ttl, next) in [(200, 200), (5_000, 200), (0, 200), (100, 100)] {
        let mut present = service.member("a").unwrap().clone();
        present.member.ttl = ttl;
        service.put(&Rc::from("a"), present, TTL);
        assert_eq!(service.next(), Some(Steady(next)), "{ttl}");
        check(service, 0);
    }
    assert!(service.take("a").is_some());
    assert_eq!((service.next(), service.count()), (None, 0));
    check(service, 0);
}

#[test]
fn the_deadline_is_that_of_the_ttl_or_of_the_grace() {
    let bound = |ttl, grace| Member {
        bind: true,
        grace,
        ..member(ttl)
    };
    let deadline = |record: &Member, connections: &[u64], closed: Option<Ms>| {
        let mut present = Present::new(record.clone(), Steady(1_000));
        present.connections.extend_from_slice(connections);
        present.closed = closed.map(Steady);
        let deadline = present.deadline(TTL);
        deadline.map(|(moment, length)| (moment.0, length, present.reason(moment).text().to_string()))
    };
    let at = |moment, length, reason: &str| Some((moment, length, reason.to_string()));
    assert_eq!(deadline(&member(100), &[], None), at(1_100, 100, "ttl"));
    assert_eq!(deadline(&member(0), &[], None), None);
    assert_eq!(deadline(&bound(0, 0), &[7], None), None);
    assert_eq!(deadline(&bound(100, 50), &[7], None), at(1_100, 100, "ttl"));
    // After a load it has not come back yet.
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
    let on = |host: &str, boot: &str, order| Member {
        host: Some(host.into()),
        boot: Some(boot.into()),
        order,
        ..member(100)
    };
    let mut presence = with(&[
        ("a", on("h", "1", 1)),
        ("b", on("h", "1", 2)),
        ("c", on("g", "1", 3)),
        ("d", member(100)),
    ]);
    let service = presence.service(&name("s"));
    let names = |members: Vec<MemberName>| members.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(service.of_other_boots("h", "2")), ["a", "b"]);
    assert!(service.of_other_boots("h", "1").is_empty());
    assert!(service.of_other_boots("other", "1").is_empty());
    assert!(service.of_earlier_boots().is_empty());
    service.put(&Rc::from("b"), Present::new(on("h", "2", 4), Steady(0)), TTL);
    assert_eq!(names(service.of_other_boots("h", "2")), ["a"]);
    assert_eq!(names(service.of_earlier_boots()), ["a"]);
    check(service, 0);
    service.take("a");
    service.put(&Rc::from("b"), Present::new(member(100), Steady(0)), TTL);
    assert_eq!(service.hosts.keys().collect::<Vec<_>>(), ["g"]);
    check(service, 0);
}

#[test]
fn a_member_is_away_when_the_last_of_its_connections_has_closed() {
    let bound = Member {
        bind: true,
        grace: 50,
        ..member(0)
    };
    let mut presence = with(&[("a", bound), ("free", member(0))]);
    let (s, a) = (name("s"), MemberName::from("a"));
    for connection in [1, 2, 2] {
        presence.bind(connection, &s, &a);
    }
    presence.bind(1, &s, &MemberName::from("free"));
    presence.bind(1, &s, &MemberName::from("nobody"));
    assert_eq!(presence.bound_to(1).len(), 2);
    assert!(presence.disconnected(1, Steady(10), TTL).is_empty());
    assert!(presence.disconnected(1, Steady(11), TTL).is_empty());
    assert_eq!(presence.disconnected(2, Steady(20), TTL), [(s.clone(), a.clone())]);
    let service = presence.known(&s).unwrap();
    assert_eq!(
        (service.member("a").unwrap().closed, service.next()),
        (Some(Steady(20)), Some(Steady(70)))
    );
    check(service, 20);
    presence.bind(3, &s, &a);
    assert_eq!(presence.member(&s, "a").unwrap().deadline(TTL), None);
    presence.unbind(&s, "a", &[3]);
    assert!(presence.bound.is_empty());
}

#[test]
fn a_command_is_a_sign_of_life_of_those_bound_to_its_connection() {
    let mut presence = with(&[("a", member(100)), ("b", member(100)), ("c", member(100))]);
    let s = name("s");
    for bound in ["a", "b"] {
        presence.bind(1, &s, &MemberName::from(bound));
    }
    presence.seen(1, None, Steady(10));
    presence.seen(1, Some("b"), Steady(20));
    presence.seen(1, Some("c"), Steady(30));
    presence.seen(2, None, Steady(40));
    let alive = |presence: &Presence| ["a", "b", "c"].map(|it| presence.member(&s, it).unwrap().alive.0);
    assert_eq!(alive(&presence), [10, 20, 0]);
    presence.unbind_all(|name| name.db == 1);
    presence.seen(1, None, Steady(50));
    assert_eq!(alive(&presence), [50, 50, 0]);
    presence.unbind_all(|name| name.db == 0);
    presence.seen(1, None, Steady(60));
    assert_eq!(alive(&presence), [50, 50, 0]);
}

#[test]
fn the_later_of_its_own_signal_and_that_to_all_stands() {
    let of = |order, signal: Option<&str>, signal_at| Member {
        order,
        signal: signal.map(str::to_string),
        signal_at,
        ..member(100)
    };
    let mut presence = with(&[
        ("before", of(5, None, 0)),
        ("after", of(15, None, 0)),
        ("own", of(5, Some("reload"), 8)),
        ("later", of(5, Some("reload"), 12)),
        ("cleared", of(5, None, 12)),
    ]);
    let s = name("s");
    let all = ["before", "after", "own", "later", "cleared", "nobody"];
    let signals = |presence: &Presence| all.map(|it| presence.signal(&s, it).unwrap_or("-").to_string());
    assert_eq!(signals(&presence), ["-", "-", "reload", "reload", "-", "-"]);
    for (word, shown) in [("stop", "stop"), (NO_SIGNAL, "-")] {
        presence.service(&s).head = Some(Head {
            signal: Some((word.into(), 10)),
            ..Head::default()
        });
        assert_eq!(signals(&presence), [shown, "-", shown, "reload", "-", "-"]);
        assert_eq!(presence.is_quiet(&s, "own"), word == "stop");
        assert!(!presence.is_quiet(&s, "later"));
    }
}

#[test]
fn a_queue_follows_the_service_of_its_name_until_it_is_told_otherwise() {
    let mut presence = Presence::default();
    let (a, b, c) = (name("{t}a"), name("{t}b"), name("{t}c"));
    assert_eq!(presence.followers(&a), std::slice::from_ref(&a));
    presence.follow(&b, Some(&a));
    presence.follow(&c, Some(&a));
    presence.follow(&c, Some(&a));
    assert_eq!(presence.followers(&a), [a.clone(), b.clone(), c.clone()]);
    assert!(presence.followers(&b).is_empty());
    presence.follow(&a, Some(&b));
    presence.follow(&c, Some(&b));
    assert_eq!(presence.followers(&a), std::slice::from_ref(&b));
    assert_eq!(presence.followers(&b), [a.clone(), c.clone()]);
    for queue in [&a, &b, &c] {
        presence.follow(queue, None);
    }
    assert_eq!(presence.followers(&b), std::slice::from_ref(&b));
    assert!(presence.followers.is_empty() && presence.following.is_empty());
}

#[test]
fn what_a_new_walk_does_not_meet_is_told() {
    let mut presence = with(&[("a", member(100)), ("b", member(100))]);
    let service = presence.service(&name("s"));
    service.walk = Walk::Done;
    assert!(service.unmet().is_empty());
    service.forget();
    assert_eq!((service.walk, service.unmet().len()), (Walk::At(0, 0), 2));
    let present = service.member("a").unwrap().clone();
    service.put(&Rc::from("a"), present, TTL);
    assert_eq!(service.unmet(), [MemberName::from("b")]);
    let version = service.version;
    service.start_over();
    assert!(service.version > version && service.count() == 0 && service.next().is_none());
    check(service, 0);
}
