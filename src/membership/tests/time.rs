//! Unit tests: the timer's work, and its cost.

use super::{answers, closed, events, hash, leader, members, news, of, register, service, wait};
use crate::keyspace::fake::Value;
use crate::names::Touched;
use crate::task::tests::world::World;
use crate::waiting::{Timeout, WaitFor, Waiter};

#[test]
fn after_a_load_members_have_their_full_time_spread_over_ticks() {
    let mut world = World::new();
    for number in 0..350 {
        world.say(&format!("HB.BEAT s m{number:03} TTL 1000"));
    }
    let bound = register(&mut world, "bound 1 BIND TTL 0");
    register(&mut world, "file 1 TTL 0");
    world.pass(900);
    world.restart();
    world.tick();
    assert_eq!(of(&world.say("PID.REGISTER s bound 2"), "status"), "held");
    let left = |world: &World| members(world).len();
    world.pass(999);
    assert_eq!(left(&world), 352);
    let mut gone = Vec::new();
    for _ in 0..5 {
        world.pass(1);
        gone.push(352 - left(&world));
    }
    assert!(gone[0] <= 101 && gone[1] <= 201 && gone[2] <= 301, "{gone:?}");
    assert_eq!(gone[3..], [350, 350]);
    // A bound one that does not reconnect has the default TTL.
    world.pass(15_000);
    assert_eq!(members(&world), ["file"]);
    assert!(
        world
            .say(&format!("HB.BEAT s bound TOKEN {bound}"))
            .starts_with("-NOMEMBER")
    );
}

#[test]
fn a_stall_holds_members_until_what_queued_up_was_read() {
    let mut world = World::new();
    register(&mut world, "silent 1 TTL 1000");
    let a = register(&mut world, "a 1 TTL 1000");
    world.wall = world.wall.after(1_500);
    world.steady = world.steady.after(1_500);
    world.state.stalls.stalled(world.steady, 800);
    world.tick();
    assert_eq!(members(&world), ["a", "silent"]);
    world.state.stalls.turned(world.steady);
    world.say(&format!("HB.BEAT s a TOKEN {a}"));
    world.state.stalls.turned(world.steady);
    world.pass(799);
    assert_eq!(members(&world), ["a", "silent"]);
    world.pass(1);
    assert_eq!(members(&world), ["a"]);
    world.pass(200);
    assert!(members(&world).is_empty());
    assert_eq!(events(&world)[2..], ["down silent ttl", "down a ttl"]);
}

#[test]
fn the_time_of_a_freeze_is_added() {
    let mut world = World::new();
    register(&mut world, "a 1 TTL 1000 BIND GRACE 100");
    world.pass(500);
    world.state.stalls.freeze(world.steady);
    closed(&mut world, 1);
    world.wall = world.wall.after(3_000);
    world.steady = world.steady.after(3_000);
    world.state.stalls.thaw(world.steady);
    world.state.stalls.turned(world.steady);
    world.state.stalls.turned(world.steady);
    world.pass(2_999);
    assert_eq!(members(&world), ["a"]);
    world.pass(10);
    assert!(members(&world).is_empty());
}

#[test]
fn a_wait_is_a_sign_of_life_when_it_begins_and_not_when_it_ends() {
    let mut world = World::new();
    world.hear(7, "PID.REGISTER s a 1 TTL 1000 BIND");
    world.pass(500);
    let ticket = wait(&mut world, 7, "PID.AWAIT s b UP BLOCK 0");
    world.pass(700);
    world.say("HB.BEAT s b");
    assert_eq!(answers(&mut world), [(ticket, "1".to_string())]);
    world.pass(299);
    assert_eq!(members(&world), ["a", "b"]);
    world.pass(1);
    assert_eq!(members(&world), ["b"]);
}

#[test]
fn a_wait_on_a_bound_connection_ends_before_the_shortest_ttl() {
    let mut world = World::new();
    world.hear(7, "PID.REGISTER s a 1 TTL 2000 BIND");
    world.hear(7, "PID.REGISTER t b 1 TTL 1000 BIND");
    world.hear(7, "PID.REGISTER t file 1 TTL 0 BIND");
    world.hear(8, "PID.REGISTER t file8 1 TTL 0 BIND");
    let mut ends = |connection, timeout| {
        let waiter = Waiter {
            connection,
            wait_for: WaitFor::Member(service(), "x".into(), true),
            timeout,
        };
        let (_, end) = world.state.wait(waiter, world.steady);
        end.map(|end| end.since(world.steady))
    };
    assert_eq!(ends(7, Timeout::Forever), Some(750));
    assert_eq!(ends(7, Timeout::For(751)), Some(750));
    assert_eq!(ends(7, Timeout::For(749)), Some(749));
    assert_eq!(ends(8, Timeout::Forever), None);
    assert_eq!(ends(9, Timeout::For(5_000)), Some(5_000));
}

/// Many members without the cost of registering each in a test.
fn crowd(count: usize, ttl: i64, token: bool) -> World {
    let mut world = World::new();
    let token = if token { r#""token":"00","# } else { "" };
    let record = format!(r#"{{{token}"ttl_ms":{ttl},"order":1}}"#).into_bytes();
    let all = (0..count).map(|number| (format!("m{number:05}").into_bytes(), record.clone()));
    world
        .keys
        .keys
        .insert(b"proc:{s}:members".to_vec(), Value::Hash(all.collect()));
    world
}

#[test]
fn a_beat_among_ten_thousand_touches_no_key() {
    let mut world = crowd(10_000, 60_000, false);
    world.state.touched(&service(), Touched::Service);
    world.tick();
    let (keys, writes) = (std::mem::take(&mut world.keys.keys), world.keys.writes);
    world.pass(1_000);
    let beat = world.say("HB.BEAT s m00007 STATUS fine TTL 60000");
    assert!(
        beat.starts_with("{role=member epoch=null leader=null ttl_ms=60000 "),
        "{beat}"
    );
    assert_eq!((world.keys.writes, world.keys.keys.len()), (writes, 0));
    assert_eq!(
        keys.keys().map(Vec::len).collect::<Vec<_>>(),
        ["proc:{s}:members".len()]
    );
}

#[test]
fn ten_thousand_die_in_slices_of_a_few() {
    let mut world = crowd(10_000, 1_000, false);
    world.state.touched(&service(), Touched::Service);
    world.tick();
    let mut left = 10_000;
    world.wall = world.wall.after(2_000);
    world.steady = world.steady.after(2_000);
    while world.slice() {
        let now = members(&world).len();
        assert!(left - now <= 32, "{left} {now}");
        left = now;
    }
    assert_eq!(left, 0);
    assert_eq!(world.state.services.lost, 10_000);
}

/// Of very many overdue candidates, only some are checked in one transaction.
#[test]
fn a_living_candidate_behind_very_many_dead_ones_leads_when_they_have_gone() {
    let mut world = crowd(1_000, 1_000, true);
    let members = hash(&mut world, "proc:{s}:members");
    members.insert(b"last".to_vec(), br#"{"ttl_ms":60000,"token":"00"}"#.to_vec());
    let line = members.keys().map(|name| (name.clone(), i64::from(name == b"last")));
    let line = line
        .chain((0..1_000).map(|ghost| (format!("ghost{ghost}").into_bytes(), 0)))
        .collect();
    world
        .keys
        .keys
        .insert(b"proc:{s}:candidates".to_vec(), Value::SortedSet(line));
    world.state.touched(&service(), Touched::Service);
    world.tick();
    assert_eq!(leader(&mut world), "m00000");
    world.pass(2_000);
    assert_eq!(leader(&mut world), "last");
    assert_eq!(news(&mut world).len(), 1_002);
    assert_eq!(world.keys.keys.len(), 2);
}
