//! Unit tests of how many tasks were ready, in the history of a queue.

use super::history::{HOUR, bucket, pass_a_minute, shown, stored, work};
use super::world::{World, queue};
use crate::names::Part;

/// An hour in which nothing happened, and so many tasks were ready.
fn stood(hour: i64, ready: u64) -> String {
    bucket(hour, [0, 0, 0, 0, 0, 0, ready])
}

/// The most ready tasks of each hour that is shown.
fn most(world: &mut World, name: &str) -> Vec<u64> {
    let history = world.say(&format!("TASK.HISTORY {name}"));
    let numbers = history.split("ready_max_tasks=").skip(1);
    numbers
        .map(|rest| rest.split('}').next().unwrap().parse().unwrap())
        .collect()
}

fn schedule(world: &mut World, name: &str, count: usize) {
    for _ in 0..count {
        world.say(&format!("TASK.SCHEDULE {name} p"));
    }
}

/// Claims what is ready and acknowledges it.
fn drain(world: &mut World, name: &str) {
    while let Some((id, token)) = world.claim(&format!("TASK.CLAIM {name} w")) {
        world.say(&format!("TASK.ACK {name} {id} {token}"));
    }
}

/// Forgets the history of a queue, as a server that was killed before it wrote it.
fn lose(world: &mut World, name: &str) {
    world.keys.keys.remove(&queue(name).of_queue(Part::History).to_vec());
    world.restart();
    world.tick();
}

#[test]
fn the_most_at_once_count_for_the_hour_and_the_day() {
    let mut world = World::new();
    for count in [2, 5, 3] {
        schedule(&mut world, "q", count);
        world.pass(1_000);
        drain(&mut world, "q");
        world.pass(1_000);
    }
    assert_eq!(most(&mut world, "q"), [5], "at once");
    pass_a_minute(&mut world);
    world.pass(HOUR);
    schedule(&mut world, "q", 4);
    pass_a_minute(&mut world);
    world.restart();
    world.tick();
    assert_eq!(most(&mut world, "q"), [5, 4]);
    assert_eq!(
        world.say("TASK.HISTORY q DAYS 1"),
        shown(&[bucket(-8, [14, 10, 0, 0, 0, 0, 5])])
    );
}

#[test]
fn a_task_that_is_scheduled_claimed_or_blocked_is_not_ready() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p DELAY 7200000");
    world.say("TASK.SCHEDULE q p ID first");
    world.claim("TASK.CLAIM q w LEASE 86400000").unwrap();
    world.say("TASK.SCHEDULE q p AFTER 1 first");
    assert_eq!(most(&mut world, "q"), [0]);
    pass_a_minute(&mut world);
    world.pass(2 * HOUR);
    pass_a_minute(&mut world);
    assert_eq!(most(&mut world, "q"), [0, 1]);
    assert_eq!(stored(&world, "q"), ["-20833", "500000", "500002"]);
}

#[test]
fn a_queue_that_stands_still_shows_it_in_every_hour() {
    let mut world = World::new();
    schedule(&mut world, "q", 3);
    pass_a_minute(&mut world);
    let mut hours = vec![bucket(0, [3, 0, 0, 0, 0, 0, 3])];
    for hour in 1..10 {
        // Each with a restart, a change of roles, or neither.
        match hour % 3 {
            0 => world.restart(),
            1 => world.state.start_over(world.steady, true),
            _ => {}
        }
        world.tick();
        let before = world.keys.writes;
        for _ in 0..60 {
            world.pass(HOUR / 60);
        }
        // The hour that has come, and after a start over the one that was running.
        let written = world.keys.writes - before;
        assert!(written <= if hour % 3 == 2 { 2 } else { 4 }, "{written}");
        assert!(stored(&world, "q").contains(&format!("{}", 500_000 + hour)), "{hour}");
        hours.push(stood(hour, 3));
        assert_eq!(world.say("TASK.HISTORY q"), shown(&hours));
    }
    drain(&mut world, "q");
    pass_a_minute(&mut world);
    for _ in 0..3 {
        world.pass(HOUR);
    }
    assert_eq!(most(&mut world, "q"), [3; 10], "nothing is ready any more");
}

#[test]
fn hours_in_which_the_timer_was_held_or_memory_was_full_are_there_too() {
    let mut world = World::new();
    schedule(&mut world, "q", 2);
    pass_a_minute(&mut world);
    world.pass(3 * HOUR);
    drain(&mut world, "q");
    assert_eq!(most(&mut world, "q"), [2, 2, 2, 2]);
    schedule(&mut world, "q", 1);
    pass_a_minute(&mut world);
    world.full = true;
    for _ in 0..2 {
        world.pass(HOUR);
    }
    let before = stored(&world, "q");
    world.full = false;
    pass_a_minute(&mut world);
    assert_eq!((before.len(), stored(&world, "q").len()), (5, 7));
    assert_eq!(most(&mut world, "q"), [2, 2, 2, 2, 1, 1]);
}

#[test]
fn a_standing_queue_whose_history_was_lost_begins_another_one() {
    let mut world = World::new();
    schedule(&mut world, "q", 2);
    lose(&mut world, "q");
    pass_a_minute(&mut world);
    assert_eq!(world.say("TASK.HISTORY q"), shown(&[stood(0, 2)]));
    assert_eq!(stored(&world, "q"), ["-20833", "500000"]);
    world.say("TASK.CONFIG SET q history no");
    pass_a_minute(&mut world);
    world.restart();
    pass_a_minute(&mut world);
    assert_eq!(world.say("TASK.HISTORY q"), "[]");
    world.say("TASK.CONFIG SET q history yes");
    world.module.history_queues = 0;
    pass_a_minute(&mut world);
    assert_eq!(most(&mut world, "q"), [2]);
}

#[test]
fn it_takes_the_place_of_none_that_is_stored() {
    const ALL: [&str; 3] = ["q1", "q2", "q3"];
    // Whichever of them the timer comes to first.
    for lost in ALL {
        let mut world = World::new();
        for name in ALL {
            work(&mut world, name, 10);
            schedule(&mut world, name, 1);
        }
        pass_a_minute(&mut world);
        world.module.history_queues = 2;
        lose(&mut world, lost);
        pass_a_minute(&mut world);
        let kept = ALL.map(|name| !stored(&world, name).is_empty());
        assert_eq!(kept, ALL.map(|name| name != lost));
    }
}
