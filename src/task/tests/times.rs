//! Unit tests of the times that GET, LIST and STATS show.

use super::world::{START, World, got};

const TIMES: [&str; 4] = ["created_at", "claimed_at", "finished_at", "run_ms"];

#[track_caller]
fn assert_times(world: &mut World, id: &str, times: [&str; 4]) {
    let relative = |shown: String| match shown.parse::<i64>() {
        Ok(at) if at >= START => (at - START).to_string(),
        _ => shown,
    };
    let shown = TIMES.map(|field| relative(got(world, id, field)));
    assert_eq!(shown, times);
}

#[test]
fn a_task_has_the_times_of_its_last_run() {
    let mut world = World::new();
    world.pass(3);
    world.say("TASK.SCHEDULE q p ID a ATTEMPTS 3 BACKOFF FIXED 10 RETAIN 1000");
    assert_times(&mut world, "a", ["0", "null", "null", "null"]);
    world.pass(10);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(4);
    assert_times(&mut world, "a", ["0", "13", "null", "null"]);
    world.say(&format!("TASK.FAIL q a {token}"));
    assert_times(&mut world, "a", ["0", "13", "null", "4"]);
    world.pass(10);
    assert_times(&mut world, "a", ["0", "13", "null", "4"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(2_000);
    world.say(&format!("TASK.RELEASE q a {token}"));
    assert_times(&mut world, "a", ["0", "27", "null", "2000"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(70);
    world.say(&format!("TASK.ACK q a {token}"));
    assert_times(&mut world, "a", ["0", "2027", "2097", "70"]);
    let listed = world.say("TASK.LIST q done");
    assert!(listed.contains("finished_at=1800000002097 run_ms=70 "), "{listed}");
}

#[test]
fn a_dead_task_that_is_retried_keeps_its_run_and_one_that_is_replaced_does_not() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(5);
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    assert_times(&mut world, "a", ["0", "0", "5", "5"]);
    world.pass(2_000);
    world.say("TASK.RETRY q a");
    assert_times(&mut world, "a", ["0", "0", "null", "5"]);
    world.say("TASK.SCHEDULE q p UNIQUE k REPLACE");
    assert_times(&mut world, "a", ["2000", "null", "null", "null"]);
}

#[test]
fn stats_tell_how_long_tasks_run() {
    let mut world = World::new();
    assert!(world.say("TASK.STATS q").contains(" run_p50_ms=null run_p99_ms=null "));
    for (n, run) in [10, 10, 10, 70].into_iter().enumerate() {
        world.say(&format!("TASK.SCHEDULE q p ID {n} ATTEMPTS 1"));
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.pass(run);
        let end = ["ACK", "FAIL"][n % 2];
        world.say(&format!("TASK.{end} q {id} {token}"));
    }
    world.say("TASK.SCHEDULE q p ID lost");
    world.claim("TASK.CLAIM q w LEASE 500").unwrap();
    world.pass(500);
    let stats = world.say("TASK.STATS q");
    assert!(
        stats.contains(" run_p50_ms=10 run_p99_ms=70 "),
        "a lost run has no length: {stats}"
    );
}
