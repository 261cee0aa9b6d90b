//! Unit tests of DROP: empty at once, removed in slices.

use crate::keyspace::fake::Value;
use crate::task::tests::world::World;

#[test]
fn a_dropped_queue_is_empty_at_once_and_swept_later() {
    let mut world = World::new();
    for number in 0..200 {
        world.say(&format!("TASK.SCHEDULE q p ID r{number} LEASE 7"));
        world.say(&format!("TASK.SCHEDULE q p ID s{number} DELAY 50"));
    }
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(
        world.say("TASK.DROP q"),
        "-BUSYQUEUE tasks are claimed, 1 in all: wait, or use FORCE"
    );
    assert_eq!(world.say("TASK.DROP q FORCE"), "400");
    assert_eq!(world.say(&format!("TASK.ACK q {id} {token}")), "-NOTASK no such task");
    assert_eq!(world.say("TASK.GET q r5"), "null");
    assert!(
        world
            .say("TASK.STATS q")
            .starts_with("{scheduled_tasks=0 ready_tasks=0 claimed_tasks=0")
    );
    assert_eq!(world.say("TASK.SCHEDULE q again ID r5"), "r5");
    world.pass(100);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["r5"]);
    assert_eq!(world.keys.keys.len(), 2, "{:?}", world.keys.keys.keys());
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "r5");
}

/// The drops of `q` that are not swept.
fn drops(world: &World) -> usize {
    match world.keys.keys.get(b"task:{q}".as_slice()) {
        Some(Value::Hash(fields)) => fields
            .get(b"drops".as_slice())
            .map_or(0, |drops| drops.split(|byte| *byte == b' ').count()),
        _ => 0,
    }
}

#[test]
fn drops_in_turn_with_new_tasks_do_not_pile_up() {
    let mut world = World::new();
    for number in 0..1_000 {
        world.say(&format!("TASK.SCHEDULE q p ID large{number}"));
    }
    // A large one that the timer has not come to.
    assert_eq!(world.say("TASK.DROP q"), "1000");
    for round in 0..100 {
        world.say(&format!("TASK.SCHEDULE q p ID r{round}"));
        world.say(&format!("TASK.SCHEDULE q p ID d{round} DELAY 9"));
        assert_eq!(world.say("TASK.DROP q"), "2");
        assert!(drops(&world) <= 2, "{}", drops(&world));
    }
    // More than a command removes at once: there is a limit.
    let tasks = |world: &mut World| {
        world.say(&format!("TASK.MSCHEDULE q 200{}", " p".repeat(200)));
    };
    let refused = (0..).find(|_| {
        tasks(&mut world);
        world.say("TASK.DROP q") != "200"
    });
    assert!(refused < Some(50), "{refused:?}");
    assert_eq!(drops(&world), 32);
    assert_eq!(
        world.say("TASK.DROP q"),
        "-BUSYQUEUE the tasks of 32 earlier drops are still being removed: try again later"
    );
    world.tick();
    assert_eq!(world.say("TASK.DROP q"), "200");
    world.tick();
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}
