//! Unit tests of queues that leave memory and come back, and of the sums over all names.

use super::world::{World, queue};
use crate::names::{Name, Position, Touched};
use crate::state::sums::Sums;

/// Lets a queue leave memory.
fn rest(world: &mut World) {
    for _ in 0..20 {
        world.pass(10_000);
    }
    assert!(world.state.known_queue(&queue("q")).is_none(), "it rests");
}

fn sum(world: &World, of: fn(&Sums) -> usize) -> usize {
    world.state.names.sums().map(of).sum()
}

#[test]
fn a_queue_that_rests_keeps_its_totals_and_its_moments() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID late DELAY 50");
    world.say("TASK.SCHEDULE q p ID far DELAY 1000000");
    world.pass(57);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q a {token}"));
    let stats = world.say("TASK.STATS q");
    assert!(stats.contains("late_max_ms=7 "), "{stats}");
    rest(&mut world);
    assert_eq!(sum(&world, |sums| sums.scheduled), 1);
    let asleep = world.say("TASK.STATS q");
    let totals = |stats: &str| stats[stats.find("scheduled_total").unwrap()..stats.find("oldest").unwrap()].to_string();
    assert_eq!(totals(&asleep), totals(&stats));
    assert!(asleep.contains("late_max_ms=7 "), "{asleep}");
    rest(&mut world);
    world.pass(900_000);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "late");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "far");
}

#[test]
fn a_queue_with_claims_stays_in_memory() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    let (_, token) = world.claim("TASK.CLAIM q w LEASE 86400000").unwrap();
    for _ in 0..20 {
        world.pass(10_000);
    }
    assert!(world.state.known_queue(&queue("q")).is_some());
    assert_eq!(world.state.next_keeping(world.steady), None, "nothing is to be done");
    world.say(&format!("TASK.RELEASE q a {token}"));
    rest(&mut world);
    assert!(world.claim("TASK.CLAIM q w").is_some());
}

#[test]
fn what_is_for_a_member_that_dies_while_its_queue_rests_is_everyones() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q service {q}s");
    world.say("PID.REGISTER {q}s w 1 TTL 0");
    world.say("TASK.SCHEDULE q p ID now TO w");
    world.say("TASK.SCHEDULE q p ID later TO w DELAY 1000000");
    rest(&mut world);
    assert_eq!(world.say("PID.EVICT {q}s w"), "1");
    assert_eq!(world.claim("TASK.CLAIM q v LEASE 86400000").unwrap().0, "now");
    world.pass(1_000_000);
    assert_eq!(world.claim("TASK.CLAIM q v").unwrap().0, "later");
}

#[test]
fn what_changes_while_a_queue_rests_is_seen() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID b AFTER 1 a");
    assert_eq!(world.say("TASK.CLAIM empty w BLOCK 0"), "(waits)");
    rest(&mut world);
    // Its dependent is to be told.
    world.keys.keys.remove(&queue("q").task(b"a").to_vec());
    world.state.touched(&queue("q"), Touched::Task);
    world.tick();
    assert_eq!(world.say("TASK.GET q b"), "null");
    world.pass(1_000);
    assert_eq!(sum(&world, |sums| sums.blocked), 0);
    rest(&mut world);
    world.restart();
    world.say("TASK.SCHEDULE q p ID c");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "c");
}

#[test]
fn a_name_without_keys_is_forgotten() {
    let mut world = World::new();
    for number in 0..100 {
        world.say(&format!("TASK.SCHEDULE q{number} p ID a"));
        let (id, token) = world.claim(&format!("TASK.CLAIM q{number} w")).unwrap();
        world.say(&format!("TASK.ACK q{number} {id} {token}"));
        world.say(&format!("PID.REGISTER s{number} m 1"));
        world.say(&format!("PID.EVICT s{number} m"));
        let service = Name::new(0, format!("s{number}").as_bytes()).unwrap();
        world.keys.keys.remove(&service.events().to_vec());
        world.state.touched(&service, Touched::Events);
    }
    let left = |world: &World| world.state.names_from(0, Position::default()).count();
    assert_eq!(left(&world), 200);
    world.pass(59_000);
    assert_eq!(left(&world), 100, "those whose workers are still known");
    for _ in 0..9 {
        world.pass(10_000);
    }
    assert_eq!(left(&world), 0);
    assert_eq!(world.state.next_keeping(world.steady), None);
    assert_eq!(world.state.totals.acked, 100, "the totals of all queues stay");
}

#[test]
fn a_name_that_somebody_waits_for_stays() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    assert!(world.claim("TASK.CLAIM q w").is_some());
    assert_eq!(world.say("TASK.CLAIM q w BLOCK 0"), "(waits)");
    world.flush();
    for _ in 0..6 {
        world.pass(10_000);
    }
    world.say("TASK.SCHEDULE q p ID b");
    assert_eq!(world.answered.len(), 1);
}

#[test]
fn a_database_that_is_emptied_takes_its_names_along() {
    let mut world = World::new();
    for number in 0..500 {
        world.say(&format!("TASK.SCHEDULE q{number} p DELAY 1000"));
    }
    world.tick();
    assert_eq!(sum(&world, |sums| sums.queues), 500);
    let before = Name::new(world.db, b"q7").unwrap();
    world.flush();
    assert_eq!(sum(&world, |sums| sums.queues), 0, "at once");
    world.say("TASK.SCHEDULE q7 p ID new DELAY 500");
    world.tick();
    assert!(world.state.known_queue(&before).is_none());
    assert_eq!(world.state.names_from(before.db, Position::default()).count(), 0);
    assert_eq!(world.state.names_from(world.db, Position::default()).count(), 1);
    world.pass(500);
    assert_eq!(world.claim("TASK.CLAIM q7 w").unwrap().0, "new");
}

#[test]
fn the_sums_follow_whoever_changes_the_keys() {
    let mut world = World::new();
    for number in 0..10 {
        world.say(&format!("TASK.SCHEDULE q{number} p"));
        world.say(&format!("TASK.SCHEDULE q{number} p DELAY 5000"));
        world.say(&format!("HB.BEAT s{number} m TTL 1000"));
    }
    world.pass(100);
    let all = |world: &World| {
        [
            sum(world, |sums| sums.queues),
            sum(world, |sums| sums.ready),
            sum(world, |sums| sums.scheduled),
            sum(world, |sums| sums.services),
            sum(world, |sums| sums.members),
        ]
    };
    let oldest = |world: &World| world.state.names.sums().filter_map(Sums::oldest).min();
    assert_eq!(all(&world), [10, 10, 10, 10, 10]);
    let first = oldest(&world).unwrap();
    for key in ["ready:5", "scheduled"] {
        world.keys.keys.remove(format!("task:{{q3}}:{key}").as_bytes());
    }
    world.state.touched(&queue("q3"), Touched::Queue);
    world.pass(1_000);
    assert!(world.state.sums_age(world.steady) < 1_000);
    world.pass(1_000);
    assert_eq!(all(&world), [9, 9, 9, 10, 0]);
    for number in 0..10 {
        world.claim(&format!("TASK.CLAIM q{number} w LEASE 100000"));
    }
    world.pass(4_000);
    world.pass(1_000);
    assert_eq!(all(&world), [9, 9, 0, 10, 0]);
    assert!(oldest(&world).unwrap() > first);
}
