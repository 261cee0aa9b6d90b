//! Unit tests: when no leader is appointed because a grant may be lost.

use super::{answers, candidate, leader, of, register, wait};
use crate::task::tests::world::World;

#[test]
fn a_lost_grant_is_not_doubled_within_the_reclaim_window() {
    let mut world = World::new();
    let a = register(&mut world, "a 1 TTL 2000");
    register(&mut world, "b 1 TTL 7000");
    world.restart();
    let held = world.say(&format!("PID.REGISTER s a 1 EXCLUSIVE TOKEN {a}"));
    assert!(
        held.starts_with("{status=held token=null epoch=null ttl_ms=null holder=null retry_ms="),
        "{held}"
    );
    world.tick();
    let held = world.say(&format!("PID.REGISTER s a 1 EXCLUSIVE TOKEN {a}"));
    assert_eq!((of(&held, "holder"), of(&held, "retry_ms")), ("null", "7000"));
    let standing = world.say(&format!("HB.CAMPAIGN s a {a}"));
    assert_eq!(
        standing,
        "{role=candidate epoch=null leader=null position=1 reclaim_ms=7000}"
    );
    let waits = wait(&mut world, 9, "PID.REGISTER s w 2 EXCLUSIVE BLOCK 0");
    for _ in 0..6 {
        world.pass(1_000);
        assert_eq!(of(&world.say(&format!("HB.BEAT s a TOKEN {a}")), "role"), "candidate");
    }
    world.pass(999);
    assert_eq!(leader(&mut world), "null");
    world.pass(1);
    assert_eq!(leader(&mut world), "a");
    world.say("PID.EVICT s a");
    assert_eq!(answers(&mut world)[0].0, waits);
}

#[test]
fn without_data_or_members_or_with_a_leader_there_is_no_window_or_a_short_one() {
    let mut world = World::new();
    world.restart();
    register(&mut world, "a 1 EXCLUSIVE TTL 0");
    world.restart();
    // It has been the leader throughout.
    let held = world.say("PID.REGISTER s b 1 EXCLUSIVE");
    assert!(held.contains("holder={member=a "), "{held}");
    assert_eq!(world.say("PID.DEREGISTER s a PID 1"), "1");
    assert_eq!(of(&world.say("PID.REGISTER s b 1 EXCLUSIVE"), "status"), "registered");
    world.restart();
    let held = world.say("PID.REGISTER new 1 1 EXCLUSIVE");
    assert_eq!((of(&held, "holder"), of(&held, "retry_ms")), ("null", "15000"));
    world.module.reclaim_window = 0;
    assert_eq!(of(&world.say("PID.REGISTER new 1 1 EXCLUSIVE"), "status"), "registered");
}

/// They may have been granted the lead without a limit.
#[test]
fn the_window_is_whole_when_a_member_has_no_ttl() {
    let mut world = World::new();
    register(&mut world, "file 1 TTL 0");
    register(&mut world, "a 1 TTL 2000");
    world.restart();
    world.tick();
    let held = world.say("PID.REGISTER s b 1 EXCLUSIVE");
    assert_eq!((of(&held, "holder"), of(&held, "retry_ms")), ("null", "60000"));
}

#[test]
fn one_that_leads_since_before_a_load_may_go_at_once() {
    for goes in [
        "HB.RESIGN s boss $",
        "PID.DEREGISTER s boss TOKEN $",
        "PID.EVICT s boss",
    ] {
        let mut world = World::new();
        let boss = candidate(&mut world, "boss", 0);
        candidate(&mut world, "next", 0);
        world.restart();
        world.say(&goes.replace('$', &boss));
        assert_eq!(leader(&mut world), "next", "{goes}");
    }
}
