//! Unit tests: how a member comes, comes back and goes.

use super::{answers, candidate, closed, events, leader, members, news, of, register, wait};
use crate::task::tests::world::{START, World};
use crate::time::Wall;

#[test]
fn a_process_registers_resumes_and_is_held_off() {
    let mut world = World::new();
    let reply = world.say("PID.REGISTER s a 12 HOST h TTL 5000");
    let token = of(&reply, "token").to_string();
    assert_eq!(
        reply,
        format!("{{status=registered token={token} epoch=null ttl_ms=5000 holder=null retry_ms=null}}")
    );
    world.pass(2_000);
    assert_eq!(
        world.say("PID.REGISTER s a 13"),
        "{status=held token=null epoch=null ttl_ms=null holder={member=a pid=12 host=h remaining_ms=3000} retry_ms=3000}"
    );
    assert_eq!(
        world.say(&format!("PID.REGISTER s a 14 TOKEN {token}")),
        format!("{{status=resumed token={token} epoch=null ttl_ms=5000 holder=null retry_ms=null}}")
    );
    assert_eq!(world.say("PID.GET s a pid host"), "[14, null]");
    let wrong = token.parse::<u64>().unwrap() + 1;
    assert_eq!(
        world.say(&format!("PID.REGISTER s a 14 TOKEN {wrong}")),
        "-FENCED epoch=0 leader="
    );
    assert_eq!(
        world.say(&format!("PID.REGISTER s b 14 TOKEN {token}")),
        "-NOMEMBER no member b in service s"
    );
    world.pass(4_999);
    assert_eq!(of(&world.say("PID.REGISTER s a 15"), "retry_ms"), "1");
    world.pass(1);
    assert_eq!(of(&world.say("PID.REGISTER s a 15"), "status"), "registered");
    assert_eq!(events(&world), ["up a registered", "down a ttl", "up a registered"]);
}

#[test]
fn one_whose_time_is_over_but_whom_the_tick_has_not_met_is_replaced() {
    let mut world = World::new();
    let old = register(&mut world, "a 12 TTL 500");
    world.steady = world.steady.after(500);
    let reply = world.say("PID.REGISTER s a 13");
    assert_eq!(of(&reply, "status"), "replaced");
    assert!(of(&reply, "token").parse::<u64>().unwrap() > old.parse().unwrap());
    assert_eq!(
        world.say(&format!("HB.BEAT s a TOKEN {old}")),
        "-FENCED epoch=0 leader="
    );
    world.tick();
    assert_eq!(events(&world), ["up a registered", "down a replaced", "up a replaced"]);
    // One that shows its own token before the timer came lives on.
    world.steady = world.steady.after(20_000);
    let token = of(&reply, "token");
    assert_eq!(of(&world.say(&format!("HB.BEAT s a TOKEN {token}")), "role"), "member");
    world.tick();
    assert_eq!(members(&world), ["a"]);
}

#[test]
fn a_bound_member_dies_with_its_last_connection_or_after_its_grace() {
    let mut world = World::new();
    register(&mut world, "a 1 BIND");
    let b = register(&mut world, "b 1 BIND GRACE 300 TTL 0");
    world.hear(2, &format!("HB.BEAT s b TOKEN {b} BIND GRACE 300"));
    closed(&mut world, 1);
    world.tick();
    assert_eq!(members(&world), ["b"]);
    assert_eq!(world.say("PID.GET s b state connections remaining_ms"), "[up, 1, null]");
    closed(&mut world, 2);
    world.pass(299);
    assert_eq!(world.say("PID.GET s b state connections remaining_ms"), "[grace, 0, 1]");
    world.pass(1);
    assert_eq!(
        events(&world),
        [
            "up a registered",
            "up b registered",
            "down a disconnect",
            "down b disconnect"
        ]
    );
}

#[test]
fn one_in_grace_comes_back_or_is_replaced() {
    let mut world = World::new();
    let token = register(&mut world, "a 1 BIND GRACE 300");
    closed(&mut world, 1);
    world.pass(200);
    assert_eq!(
        of(
            &world.hear(2, &format!("PID.REGISTER s a 1 BIND GRACE 300 TOKEN {token}")),
            "status"
        ),
        "resumed"
    );
    world.pass(200);
    assert_eq!(of(&world.hear(3, "PID.REGISTER s a 2"), "status"), "held");
    closed(&mut world, 2);
    assert_eq!(of(&world.hear(3, "PID.REGISTER s a 2 BIND"), "status"), "replaced");
    // The connections of the old one are not bound to the new one.
    closed(&mut world, 2);
    world.pass(1_000);
    assert_eq!(members(&world), ["a"]);
}

/// Between the close of a connection and the timer, the process may have reconnected.
#[test]
fn one_that_came_back_before_the_tick_does_not_die() {
    for again in [
        "PID.REGISTER s a 1 BIND TOKEN",
        "PID.REGISTER s a 1 TOKEN",
        "HB.BEAT s a BIND TOKEN",
    ] {
        let mut world = World::new();
        let token = register(&mut world, "a 1 BIND");
        closed(&mut world, 1);
        world.hear(2, &format!("{again} {token}"));
        world.tick();
        assert_eq!(members(&world), ["a"], "{again}");
        assert_eq!(events(&world), ["up a registered"], "{again}");
    }
    let mut world = World::new();
    let token = register(&mut world, "a 1 BIND");
    closed(&mut world, 1);
    world.hear(2, &format!("HB.BEAT s a TOKEN {token}"));
    world.tick();
    assert_eq!(events(&world), ["up a registered", "down a disconnect"]);
}

#[test]
fn a_reboot_ends_all_members_of_the_host_and_the_next_leads_at_once() {
    let mut world = World::new();
    for member in ["a", "b"] {
        let token = register(&mut world, &format!("{member} 1 HOST h BOOT one TTL 0"));
        world.say(&format!("HB.CAMPAIGN s {member} {token}"));
    }
    register(&mut world, "other 1 HOST g BOOT one");
    candidate(&mut world, "c", 0);
    assert_eq!(leader(&mut world), "a");
    news(&mut world);
    let reply = world.say("PID.REGISTER s b 7 HOST h BOOT two");
    assert_eq!(of(&reply, "status"), "registered");
    assert_eq!(leader(&mut world), "c");
    assert_eq!(
        news(&mut world),
        ["down a reboot", "down b reboot", "leader c", "up b registered"]
    );
    assert_eq!(members(&world), ["b", "c", "other"]);
}

/// Registers so many members of host h under the boot id `one`.
fn host_of(world: &mut World, count: usize) {
    for number in 0..count {
        register(world, &format!("m{number:04} 1 HOST h BOOT one TTL 0"));
    }
}

#[test]
fn a_reboot_of_a_host_with_many_members_goes_in_slices_and_the_leader_first() {
    let mut world = World::new();
    host_of(&mut world, 1_000);
    let last = register(&mut world, "z-leads 1 HOST h BOOT one TTL 0");
    world.say(&format!("HB.CAMPAIGN s z-leads {last}"));
    let lines = register(&mut world, "a-lines-up 1 HOST h BOOT one TTL 0");
    world.say(&format!("HB.CAMPAIGN s a-lines-up {lines} PRIORITY 9"));
    candidate(&mut world, "other", 0);
    let written = world.keys.writes;
    let reply = world.say("PID.REGISTER s m0999 7 HOST h BOOT two");
    assert_eq!(of(&reply, "status"), "registered");
    assert_eq!(leader(&mut world), "other", "none that goes leads");
    let wrote = world.keys.writes - written;
    assert!((100..1_000).contains(&wrote), "{wrote} writes");
    assert!(members(&world).len() > 800);
    world.tick();
    assert_eq!(members(&world), ["m0999", "other"]);
}

#[test]
fn a_service_with_many_members_is_dropped_in_slices_and_who_comes_meanwhile_stays() {
    for comes in [false, true] {
        let mut world = World::new();
        host_of(&mut world, 1_000);
        candidate(&mut world, "leads", 0);
        assert_eq!(
            world.say("PID.DROP s"),
            "-BUSYSERVICE members are registered, 1001 in all: evict them, or use FORCE"
        );
        let written = world.keys.writes;
        assert_eq!(world.say("PID.DROP s FORCE"), "1001");
        let wrote = world.keys.writes - written;
        assert!((100..1_000).contains(&wrote), "{wrote} writes");
        assert_eq!(leader(&mut world), "null");
        if comes {
            candidate(&mut world, "comes", 0);
        }
        world.tick();
        if comes {
            assert_eq!(members(&world), ["comes"]);
            assert_eq!(leader(&mut world), "comes");
            assert_eq!(events(&world).last().unwrap(), "down m0999 dropped");
        } else {
            assert!(world.keys.keys.is_empty());
        }
    }
}

#[test]
fn with_its_token_a_member_outlives_the_reboot_of_its_host() {
    let mut world = World::new();
    let token = register(&mut world, "a 1 HOST h BOOT one EXCLUSIVE");
    register(&mut world, "b 1 HOST h BOOT one");
    let reply = world.say(&format!("PID.REGISTER s a 2 HOST h BOOT two TOKEN {token}"));
    assert_eq!(of(&reply, "status"), "resumed");
    assert_ne!(of(&reply, "epoch"), "null");
    world.pass(1_000);
    assert_eq!(members(&world), ["a"]);
}

#[test]
fn a_plain_beat_makes_a_member_without_a_token_and_campaigning_gives_it_one() {
    let mut world = World::new();
    assert_eq!(
        world.say("HB.BEAT s a"),
        "{role=member epoch=null leader=null ttl_ms=15000 signal=null cancelled=[] token=null}"
    );
    assert_eq!(of(&world.say("HB.BEAT s a STATUS busy"), "token"), "null");
    let beat = world.say("HB.BEAT s a CAMPAIGN");
    let token = of(&beat, "token").to_string();
    assert_eq!((of(&beat, "role"), token.len()), ("leader", 16));
    let epoch = of(&beat, "epoch");
    let refused = format!("-FENCED TOKEN is missing: epoch={epoch} leader=a");
    assert_eq!(world.say("HB.BEAT s a"), refused);
    let beat = world.say(&format!("HB.BEAT s a TOKEN {token} CAMPAIGN PRIORITY 5"));
    assert_eq!((of(&beat, "role"), of(&beat, "token")), ("leader", "null"));
    assert_eq!(world.say("PID.GET s a status"), "busy");
    register(&mut world, "b 2");
    assert_eq!(world.say("HB.BEAT s b"), refused);
    assert_eq!(world.say("HB.BEAT s c TOKEN 5"), "-NOMEMBER no member c in service s");
}

#[test]
fn a_signal_stands_until_it_is_cleared_and_reaches_those_of_before() {
    let mut world = World::new();
    let signal = |world: &mut World, member: &str| {
        let beat = world.say(&format!("HB.BEAT s {member}"));
        of(&beat, "signal").to_string()
    };
    for member in ["a", "b"] {
        world.say(&format!("HB.BEAT s {member}"));
    }
    assert_eq!(world.say("HB.SIGNAL s * QUIET"), "2");
    world.say("HB.BEAT s c");
    assert_eq!(
        ["a", "b", "c"].map(|member| signal(&mut world, member)),
        ["quiet", "quiet", "null"]
    );
    assert_eq!(world.say("HB.SIGNAL s a reload"), "1");
    assert_eq!(world.say("HB.SIGNAL s b none"), "1");
    assert_eq!(world.say("HB.SIGNAL s nobody stop"), "0");
    assert_eq!(
        ["a", "b", "c"].map(|member| signal(&mut world, member)),
        ["reload", "null", "null"]
    );
    world.restart();
    assert_eq!(
        ["a", "b", "c"].map(|member| signal(&mut world, member)),
        ["reload", "null", "null"]
    );
    assert_eq!(world.say("HB.SIGNAL s * none"), "3");
    assert_eq!(
        ["a", "b", "c"].map(|member| signal(&mut world, member)),
        ["null", "null", "null"]
    );
}

/// The clock of the server that was promoted may be behind.
#[test]
fn a_signal_to_all_reaches_those_that_registered_by_a_later_clock() {
    let mut world = World::new();
    world.say("HB.BEAT s a");
    world.restart();
    world.state.fence = 0;
    world.wall = Wall(START - 5_000);
    world.tick();
    assert_eq!(world.say("HB.SIGNAL s * stop"), "1");
    assert_eq!(of(&world.say("HB.BEAT s a"), "signal"), "stop");
    world.say("HB.BEAT s b");
    assert_eq!(of(&world.say("HB.BEAT s b"), "signal"), "null");
}

#[test]
fn a_member_leaves_or_is_put_out() {
    let mut world = World::new();
    let token = register(&mut world, "a 12");
    let up = wait(&mut world, 5, "PID.AWAIT s b UP BLOCK 0");
    let down = wait(&mut world, 6, "PID.AWAIT s a DOWN BLOCK 0");
    assert_eq!(world.say("PID.AWAIT s a UP"), "1");
    assert_eq!(world.say("PID.AWAIT s a DOWN"), "none");
    assert_eq!(world.say("PID.DEREGISTER s a PID 13"), "0");
    assert_eq!(world.say("PID.DEREGISTER s nobody PID 12"), "0");
    assert_eq!(world.say("PID.DEREGISTER s nobody TOKEN 12"), "0");
    assert_eq!(world.say("PID.DEREGISTER s a TOKEN 13"), "-FENCED epoch=0 leader=");
    assert!(world.say("PID.DEREGISTER s a").starts_with("-BADARG"));
    assert!(answers(&mut world).is_empty());
    assert_eq!(world.say(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    world.say("HB.BEAT s b");
    assert_eq!(answers(&mut world), [(down, "1".to_string()), (up, "1".to_string())]);
    assert_eq!(world.say("PID.EVICT s b REASON deploy"), "1");
    assert_eq!(world.say("PID.EVICT s b"), "0");
    assert_eq!(world.state.services.lost, 1);
    assert_eq!(
        events(&world),
        ["up a registered", "down a left", "up b registered", "down b deploy"]
    );
}

#[test]
fn a_service_has_no_more_members_than_it_may() {
    let mut world = World::new();
    world.module.max_members = 2;
    let token = register(&mut world, "a 1");
    world.say("HB.BEAT s b");
    let full = "-SERVICEFULL the service has reached steward.max-members, 2 members";
    assert_eq!(world.say("HB.BEAT s c"), full);
    assert_eq!(world.say("PID.REGISTER s c 1"), full);
    world.module.max_members = 3;
    world.full = true;
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(world.say("HB.BEAT s c"), oom);
    assert_eq!(world.say("PID.REGISTER s c 1"), oom);
    assert_eq!(
        of(&world.say(&format!("PID.REGISTER s a 2 TOKEN {token}")), "status"),
        "resumed"
    );
    assert_eq!(of(&world.say("HB.BEAT s b TTL 500"), "ttl_ms"), "500");
}
