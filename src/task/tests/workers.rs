//! Unit tests of the numbers that stand for workers.

use super::world::World;
use crate::keyspace::fake::Value;

#[test]
fn workers_that_are_gone_are_freed_in_slices() {
    let mut world = World::new();
    let left = |world: &World| match world.keys.keys.get(b"task:{q}:workers".as_slice()) {
        Some(Value::Hash(workers)) => workers.len(),
        _ => 0,
    };
    for worker in 0..1_000 {
        world.say("TASK.SCHEDULE q p");
        let (id, token) = world.claim(&format!("TASK.CLAIM q w{worker}")).unwrap();
        assert_eq!(world.say(&format!("TASK.ACK q {id} {token}")), "OK");
    }
    world.say("TASK.SCHEDULE q p");
    world.claim("TASK.CLAIM q w900 LEASE 86400000");
    world.pass(61_000);
    assert_eq!(left(&world), 1_000, "each claimed in the last minute");
    world.steady = world.steady.after(61_000);
    let mut before = 1_000;
    while world.slice() {
        assert!(before - left(&world) <= 256);
        before = left(&world);
    }
    assert_eq!(before, 1, "the one that holds a task");
    world.say("TASK.SCHEDULE q p");
    world.claim("TASK.CLAIM q new");
    assert!(world.say("TASK.WORKERS q").contains("worker=new"));
}
