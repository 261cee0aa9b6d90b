//! Unit tests: who leads, and who has to wait for the lead.

use super::{answers, candidate, closed, leader, members, news, of, register, wait};
use crate::task::tests::world::World;

#[test]
fn an_exclusive_holder_holds_all_others_off() {
    let mut world = World::new();
    let reply = world.say("PID.REGISTER s a 12 HOST h EXCLUSIVE TTL 5000");
    let (token, epoch) = (of(&reply, "token").to_string(), of(&reply, "epoch").to_string());
    let b = register(&mut world, "b 1");
    world.pass(1_000);
    let held = format!(
        "{{status=held token=null epoch={epoch} ttl_ms=null holder={{member=a pid=12 host=h remaining_ms=4000}} retry_ms=4000}}"
    );
    assert_eq!(world.say("PID.REGISTER s c 13 EXCLUSIVE"), held);
    assert_eq!(world.say(&format!("PID.REGISTER s b 13 EXCLUSIVE TOKEN {b}")), held);
    assert_eq!(members(&world), ["a", "b"]);
    let reply = world.say(&format!("PID.REGISTER s a 12 EXCLUSIVE TOKEN {token}"));
    assert_eq!((of(&reply, "status"), of(&reply, "epoch")), ("resumed", epoch.as_str()));
    world.pass(5_000);
    let reply = world.say(&format!("PID.REGISTER s b 13 EXCLUSIVE TOKEN {b}"));
    assert_eq!(of(&reply, "status"), "resumed");
    assert!(of(&reply, "epoch").parse::<u64>().unwrap() > epoch.parse().unwrap());
    assert_eq!(
        news(&mut world),
        [
            "up a registered",
            "leader a",
            "up b registered",
            "down a ttl",
            "leader b"
        ]
    );
}

#[test]
fn a_holder_without_a_ttl_has_none_to_tell() {
    let mut world = World::new();
    register(&mut world, "a 12 EXCLUSIVE TTL 0");
    world.pass(3_600_000);
    let held = world.say("PID.REGISTER s b 13 EXCLUSIVE");
    assert!(
        held.ends_with("holder={member=a pid=12 host=null remaining_ms=null} retry_ms=null}"),
        "{held}"
    );
}

#[test]
fn a_ttl_that_outlives_the_window_cannot_lead() {
    let mut world = World::new();
    let refused = "-BADARG TTL of one that may lead must not exceed steward.reclaim-window, 60000 ms";
    assert_eq!(world.say("PID.REGISTER s a 1 EXCLUSIVE TTL 60001"), refused);
    assert_eq!(world.say("HB.BEAT s a CAMPAIGN TTL 60001"), refused);
    let long = register(&mut world, "long 1 TTL 60001");
    assert_eq!(world.say(&format!("HB.CAMPAIGN s long {long}")), refused);
    assert_eq!(
        world.say(&format!("PID.REGISTER s long 1 EXCLUSIVE TOKEN {long}")),
        refused
    );
    // Nor can a leader or a candidate get such a TTL afterwards.
    for member in ["leads", "stands"] {
        let token = candidate(&mut world, member, 0);
        assert_eq!(
            world.say(&format!("HB.BEAT s {member} TOKEN {token} TTL 60001")),
            refused
        );
        assert_eq!(
            world.say(&format!("PID.REGISTER s {member} 1 TTL 60001 TOKEN {token}")),
            refused
        );
    }
    world.module.reclaim_window = 0;
    assert_eq!(leader(&mut world), "leads");
    assert_eq!(
        of(&world.say(&format!("HB.CAMPAIGN s long {long}")), "role"),
        "candidate"
    );
}

#[test]
fn candidates_lead_by_priority_then_first_come_and_waiters_stand_between_them() {
    let mut world = World::new();
    let boss = candidate(&mut world, "boss", 1_000);
    candidate(&mut world, "low", 0);
    let first = wait(&mut world, 21, "PID.REGISTER s w1 5 EXCLUSIVE BLOCK 0");
    candidate(&mut world, "late", 0);
    let second = wait(&mut world, 22, "PID.REGISTER s w2 5 EXCLUSIVE BLOCK 0");
    candidate(&mut world, "high", 7);
    let again = world.say(&format!("HB.CAMPAIGN s late {}", boss.parse::<u64>().unwrap() + 1));
    assert!(again.starts_with("-FENCED"), "{again}");
    news(&mut world);
    let mut order = Vec::new();
    world.say("PID.EVICT s boss");
    for _ in 0..5 {
        let led = leader(&mut world);
        world.say(&format!("PID.EVICT s {led}"));
        order.push(led);
    }
    assert_eq!(order, ["high", "low", "w1", "late", "w2"]);
    assert_eq!(leader(&mut world), "null");
    assert!(members(&world).is_empty());
    let answers = answers(&mut world);
    assert_eq!(
        answers.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(),
        [first, second]
    );
    for (_, reply) in &answers {
        assert_eq!(of(reply, "status"), "registered");
        assert_ne!(of(reply, "epoch"), "null");
    }
    let news = news(&mut world);
    assert_eq!(
        news[..4],
        ["down boss evicted", "leader high", "down high evicted", "leader low"]
    );
    assert_eq!(news[4..7], ["down low evicted", "up w1 registered", "leader w1"]);
}

#[test]
fn a_new_priority_changes_the_place_and_none_keeps_it() {
    let mut world = World::new();
    candidate(&mut world, "boss", 0);
    let a = candidate(&mut world, "a", 5);
    let b = candidate(&mut world, "b", 5);
    let position = |world: &mut World, line: &str| {
        let reply = world.say(&format!("HB.CAMPAIGN s {line}"));
        of(&reply, "position").to_string()
    };
    assert_eq!(position(&mut world, &format!("b {b} PRIORITY 6")), "1");
    assert_eq!(position(&mut world, &format!("b {b}")), "1");
    assert_eq!(position(&mut world, &format!("a {a}")), "2");
    assert_eq!(position(&mut world, &format!("b {b} PRIORITY 5")), "2");
    assert_eq!(world.say(&format!("HB.WITHDRAW s a {a}")), "1");
    assert_eq!(world.say(&format!("HB.WITHDRAW s a {a}")), "0");
    assert_eq!(position(&mut world, &format!("a {a} PRIORITY 5")), "2");
}

#[test]
fn one_that_waits_to_be_the_holder_takes_the_place_of_its_silent_predecessor_in_its_turn() {
    let mut world = World::new();
    register(&mut world, "boss 1 EXCLUSIVE");
    world.hear(5, "PID.REGISTER s a 1 BIND GRACE 5000");
    let first = wait(&mut world, 21, "PID.REGISTER s a 2 EXCLUSIVE BLOCK 0");
    let second = wait(&mut world, 22, "PID.REGISTER s b 3 EXCLUSIVE BLOCK 0");
    closed(&mut world, 5);
    world.pass(1);
    world.say("PID.EVICT s boss");
    let told = answers(&mut world);
    assert_eq!(told.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [first]);
    assert_eq!(of(&told[0].1, "status"), "replaced");
    assert_eq!(leader(&mut world), "a");
    world.say("PID.EVICT s a");
    assert_eq!(answers(&mut world)[0].0, second);
}

#[test]
fn one_that_waits_for_the_lead_is_told_when_it_leads_or_dies() {
    let mut world = World::new();
    register(&mut world, "boss 1 EXCLUSIVE");
    let a = register(&mut world, "a 1 TTL 60000");
    let b = register(&mut world, "b 1 TTL 1000");
    let leads = wait(&mut world, 21, &format!("HB.CAMPAIGN s a {a} BLOCK 0"));
    let dies = wait(&mut world, 22, &format!("HB.CAMPAIGN s b {b} BLOCK 0 PRIORITY 9"));
    world.pass(1_000);
    assert_eq!(
        answers(&mut world),
        [(dies, "-NOMEMBER no member b in service s".to_string())]
    );
    world.say("PID.EVICT s boss");
    let told = answers(&mut world);
    assert_eq!(
        (told[0].0, of(&told[0].1, "role"), of(&told[0].1, "position")),
        (leads, "leader", "null")
    );
}

#[test]
fn a_leader_resigns_to_whom_it_wants() {
    let mut world = World::new();
    let boss = candidate(&mut world, "boss", 0);
    candidate(&mut world, "high", 9);
    let low = candidate(&mut world, "low", 0);
    register(&mut world, "plain 1");
    for nobody in ["plain", "nobody", "boss"] {
        assert_eq!(
            world.say(&format!("HB.RESIGN s boss {boss} TO {nobody}")),
            "-BADARG TO must be another candidate of the service"
        );
    }
    news(&mut world);
    assert_eq!(world.say(&format!("HB.RESIGN s boss {boss} TO low")), "low");
    assert_eq!(news(&mut world), ["resigned boss", "leader low"]);
    assert!(
        world
            .say(&format!("HB.RESIGN s boss {boss}"))
            .starts_with("-FENCED epoch=")
    );
    assert_eq!(world.say("PID.GET s boss role"), "member");
    assert_eq!(world.say(&format!("HB.RESIGN s low {low}")), "high");
    assert_eq!(world.say("PID.EVICT s high"), "1");
    assert_eq!(leader(&mut world), "null");
    world.say(&format!("HB.CAMPAIGN s boss {boss}"));
    assert_eq!(world.say(&format!("HB.RESIGN s boss {boss}")), "null");
    assert_eq!(world.say("HB.CHECK s 0"), "-FENCED epoch=0 leader=");
}

#[test]
fn an_overdue_candidate_is_passed_over_and_its_later_beat_elects_it() {
    let mut world = World::new();
    let boss = register(&mut world, "boss 1 EXCLUSIVE TTL 60000");
    let a = register(&mut world, "a 1 TTL 1000");
    world.say(&format!("HB.CAMPAIGN s a {a}"));
    world.steady = world.steady.after(1_000);
    assert_eq!(
        world.say(&format!("HB.RESIGN s boss {boss} TO a")),
        "-BADARG TO must be another candidate of the service"
    );
    assert_eq!(world.say(&format!("HB.RESIGN s boss {boss}")), "null");
    let beat = world.say(&format!("HB.BEAT s a TOKEN {a}"));
    assert_eq!((of(&beat, "role"), of(&beat, "leader")), ("leader", "a"));
    world.tick();
    assert_eq!(leader(&mut world), "a");
}

#[test]
fn one_that_waits_to_hold_what_it_comes_to_lead_otherwise_is_told() {
    let mut world = World::new();
    let first = candidate(&mut world, "first", 0);
    let a = register(&mut world, "a 1");
    let waits = wait(
        &mut world,
        7,
        &format!("PID.REGISTER s a 1 TOKEN {a} EXCLUSIVE BLOCK 0"),
    );
    world.say(&format!("HB.CAMPAIGN s a {a} PRIORITY 9"));
    world.say(&format!("HB.RESIGN s first {first}"));
    let told = answers(&mut world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, waits);
    assert_eq!(of(&told[0].1, "status"), "resumed");
    assert_ne!(of(&told[0].1, "epoch"), "null");
    assert_eq!(leader(&mut world), "a");
    assert_eq!(world.state.waiting.total(), 0);
}

#[test]
fn one_that_waits_to_hold_and_dies_meanwhile_is_told() {
    let mut world = World::new();
    register(&mut world, "first 1 EXCLUSIVE TTL 0");
    let a = register(&mut world, "a 1");
    let waits = wait(
        &mut world,
        7,
        &format!("PID.REGISTER s a 1 TOKEN {a} EXCLUSIVE BLOCK 0"),
    );
    world.say("PID.EVICT s a");
    assert_eq!(
        answers(&mut world),
        [(waits, "-NOMEMBER no member a in service s".to_string())]
    );
}
