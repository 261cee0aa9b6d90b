//! Unit tests: keys that another client has changed.

use super::{answers, candidate, edit, hash, leader, members, news, of, register, service, wait};
use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::task::tests::world::World;

#[test]
fn records_that_others_change_are_taken_as_they_are() {
    let mut world = World::new();
    register(&mut world, "a 1 TTL 1000");
    register(&mut world, "b 1 TTL 1000");
    register(&mut world, "c 1 TTL 1000");
    edit(&mut world, "a", Some(r#"{"ttl_ms":9000,"order":1}"#));
    edit(&mut world, "b", Some("no json"));
    edit(&mut world, "c", None);
    edit(&mut world, "new", Some(r#"{"pid":7,"ttl_ms":3000}"#));
    edit(&mut world, "odd\n", Some(r#"{"ttl_ms":3000}"#));
    edit(
        &mut world,
        "huge",
        Some(
            r#"{"pid":9223372036854775807,"ttl_ms":9223372036854775807,"grace_ms":9223372036854775807,"bind":true,
               "order":18446744073709551615,"registered_at":-1,"signal":"quiet","signal_order":18446744073709551615}"#,
        ),
    );
    news(&mut world);
    world.tick();
    assert_eq!(news(&mut world), ["down b deleted", "down c deleted"]);
    world.pass(2_999);
    assert!(news(&mut world).is_empty());
    assert_eq!(world.say("PID.GET s new pid state"), "[7, up]");
    assert_eq!(world.say("PID.GET s huge state registered_at"), "[grace, -1]");
    assert!(world.say("HB.BEAT s huge").contains("signal=quiet"));
    assert!(
        world
            .say("HB.BEAT s huge CAMPAIGN TTL 500 BIND GRACE 5")
            .contains("role=leader")
    );
    world.pass(1);
    assert_eq!(news(&mut world), ["leader huge", "down new ttl"]);
    world.pass(499);
    assert_eq!(news(&mut world), ["down huge ttl"]);
    world.pass(10_000);
    assert_eq!(members(&world), ["odd\n"]);
}

/// Another process has its name now: its claims are lost, and it does not lead.
#[test]
fn one_whose_record_was_deleted_registers_anew() {
    for line in [
        "HB.BEAT s a CAMPAIGN",
        "PID.REGISTER s a 2",
        "PID.REGISTER s a 2 EXCLUSIVE",
    ] {
        for looked in [false, true] {
            let mut world = World::new();
            register(&mut world, "a 1 EXCLUSIVE");
            let epoch = of(&world.say("HB.LEADER s"), "epoch").to_string();
            world.tick();
            edit(&mut world, "a", None);
            if looked {
                assert_eq!(world.say("PID.GET s a"), "null");
            }
            news(&mut world);
            world.say(line);
            world.tick();
            assert_eq!(members(&world), ["a"], "{line}");
            assert_eq!(news(&mut world)[..2], ["down a deleted", "up a registered"], "{line}");
            let now = world.say("HB.LEADER s");
            assert!(now == "null" || of(&now, "epoch") != epoch, "{line}");
        }
    }
}

#[test]
fn one_that_registers_for_the_first_time_does_not_lead_because_a_key_says_so() {
    let mut world = World::new();
    candidate(&mut world, "boss", 0);
    candidate(&mut world, "c", 0);
    hash(&mut world, "proc:{s}").insert(b"leader".to_vec(), b"a".to_vec());
    world.state.touched(&service(), Touched::Service);
    let reply = world.say("PID.REGISTER s a 1");
    assert_eq!((of(&reply, "status"), of(&reply, "epoch")), ("registered", "null"));
    world.tick();
    assert_eq!(leader(&mut world), "c");
}

#[test]
fn a_record_that_was_deleted_and_restored_is_a_member_again() {
    let mut world = World::new();
    register(&mut world, "a 1");
    world.tick();
    let record = String::from_utf8(hash(&mut world, "proc:{s}:members")[b"a".as_slice()].clone()).unwrap();
    edit(&mut world, "a", None);
    assert_eq!(world.say("PID.GET s a"), "null");
    edit(&mut world, "a", Some(&record));
    assert_eq!(world.say("PID.GET s a pid"), "1");
    world.tick();
    assert_eq!(members(&world), ["a"]);
}

/// The stored record counts, also at the moment at which the member is overdue.
#[test]
fn a_record_that_was_changed_is_read_before_anybody_dies() {
    let mut world = World::new();
    for number in 0..30 {
        register(&mut world, &format!("m{number} 1 TTL 60000"));
    }
    register(&mut world, "a 1 TTL 1000");
    world.tick();
    world.wall = world.wall.after(1_000);
    world.steady = world.steady.after(1_000);
    edit(&mut world, "a", Some(r#"{"ttl_ms":9000}"#));
    world.tick();
    assert!(members(&world).contains(&"a".to_string()));
}

#[test]
fn candidates_and_leaders_that_are_no_members_are_passed_over() {
    let mut world = World::new();
    let boss = candidate(&mut world, "boss", 0);
    world.say("HB.BEAT s plain");
    candidate(&mut world, "good", 0);
    let line: Vec<(Vec<u8>, i64)> = (0..40)
        .map(|number| (format!("ghost{number}").into_bytes(), number))
        .chain([
            (b"plain".to_vec(), i64::MIN),
            (b"\xff".to_vec(), i64::MAX),
            (b"".to_vec(), 5),
        ])
        .collect();
    match world.keys.keys.get_mut(b"proc:{s}:candidates".as_slice()) {
        Some(Value::SortedSet(places)) => places.extend(line),
        other => panic!("{other:?}"),
    }
    world.state.touched(&service(), Touched::Service);
    world.tick();
    assert_eq!(world.say(&format!("HB.RESIGN s boss {boss}")), "good");
    world.say("PID.EVICT s good");
    assert!(!world.keys.keys.contains_key(b"proc:{s}:candidates".as_slice()));
    for strange in ["nobody", "plain", "a\nb", ""] {
        hash(&mut world, "proc:{s}").insert(b"leader".to_vec(), strange.into());
        world.state.touched(&service(), Touched::Service);
        world.tick();
        if strange == "plain" {
            // A member that another client made the leader leads.
            assert_eq!(leader(&mut world), "plain");
            world.say("PID.EVICT s plain");
        }
        assert_eq!(leader(&mut world), "null");
        assert_eq!(world.say("HB.CHECK s 7"), "-FENCED epoch=0 leader=");
    }
    assert_eq!(of(&world.say("HB.BEAT s new CAMPAIGN"), "role"), "leader");
}

#[test]
fn numbers_no_client_could_hold_stop_nothing() {
    let mut world = World::new();
    candidate(&mut world, "a", 0);
    for (field, number) in [
        ("epoch", "18446744073709551615"),
        ("epoch", "99999999999999999999"),
        ("epoch", "9007199254740990"),
        ("epoch", "-1"),
        ("since_at", "9223372036854775807"),
        ("signal_order", "18446744073709551615"),
    ] {
        let fields = hash(&mut world, "proc:{s}");
        fields.insert(b"signal".to_vec(), b"stop".to_vec());
        fields.insert(field.into(), number.into());
        world.state.touched(&service(), Touched::Service);
        world.tick();
        world.say("HB.LEADER s");
        world.say("HB.SIGNAL s * quiet");
        let token = candidate(&mut world, "b", 3);
        assert_eq!(world.say("PID.EVICT s a"), "1");
        assert_eq!(leader(&mut world), "b");
        let epoch = world.say("HB.LEADER s");
        assert!(of(&epoch, "epoch").parse::<u64>().unwrap() < 1 << 52, "{field} {epoch}");
        assert_eq!(world.say(&format!("PID.DEREGISTER s b TOKEN {token}")), "1");
        candidate(&mut world, "a", 0);
    }
}

#[test]
fn a_service_whose_keys_are_gone_is_gone() {
    let mut world = World::new();
    let boss = candidate(&mut world, "boss", 0);
    candidate(&mut world, "next", 0);
    let waits = wait(&mut world, 4, "PID.AWAIT s boss DOWN BLOCK 0");
    let lead = wait(&mut world, 5, "PID.REGISTER s w 1 EXCLUSIVE BLOCK 0");
    world.tick();
    world.keys.keys.clear();
    world.state.touched(&service(), Touched::Service);
    world.tick();
    let told = answers(&mut world);
    assert!(told.contains(&(waits, "1".to_string())), "{told:?}");
    assert!(
        told.iter()
            .any(|(ticket, reply)| *ticket == lead && of(reply, "status") == "registered")
    );
    assert!(
        world
            .say(&format!("HB.BEAT s boss TOKEN {boss}"))
            .starts_with("-NOMEMBER")
    );
    assert_eq!(members(&world), ["w"]);
    world.flush();
    world.tick();
    assert!(world.keys.keys.is_empty());
    assert_eq!(world.say("PID.LIST s"), "[0, []]");
    assert_eq!(world.say("HB.LEADER s"), "null");
    // An earlier connection is bound to nothing.
    register(&mut world, "a 1 BIND");
    world.flush();
    world.tick();
    world.hear(2, "PID.REGISTER s a 1 TTL 1000");
    world.pass(900);
    world.say("PID.GET s a");
    world.pass(100);
    assert!(members(&world).is_empty());
}

#[test]
fn values_of_other_types_under_our_keys_stop_only_what_needs_them() {
    for part in ["", ":members", ":candidates", ":events"] {
        let mut world = World::new();
        let boss = candidate(&mut world, "boss", 0);
        let next = candidate(&mut world, "next", 0);
        let before = world.keys.keys.clone();
        world
            .keys
            .keys
            .insert(format!("proc:{{s}}{part}").into(), Value::String(b"foreign".to_vec()));
        world.state.touched(&service(), Touched::Service);
        for line in [
            format!("HB.BEAT s boss TOKEN {boss}"),
            format!("HB.BEAT s next TOKEN {next} TTL 300 CAMPAIGN"),
            "HB.BEAT s new CAMPAIGN".to_string(),
            "HB.LEADER s".to_string(),
            "HB.CHECK s 1".to_string(),
            "HB.SIGNAL s * stop".to_string(),
            "HB.SIGNAL s next stop".to_string(),
            format!("HB.RESIGN s boss {boss}"),
            format!("HB.WITHDRAW s next {next}"),
            format!("HB.CAMPAIGN s next {next}"),
            "PID.REGISTER s new 1 EXCLUSIVE".to_string(),
            "PID.EVICT s boss".to_string(),
            format!("PID.DEREGISTER s next TOKEN {next}"),
            "PID.LIST s".to_string(),
            "PID.GET s boss".to_string(),
            "PID.AWAIT s boss DOWN".to_string(),
            "PID.SERVICES".to_string(),
        ] {
            world.say(&line);
            world.tick();
        }
        world.pass(60_000);
        world.keys.keys = before;
        world.state.touched(&service(), Touched::Service);
        world.tick();
        world.pass(60_000);
        assert!(members(&world).is_empty(), "{part}");
    }
}
