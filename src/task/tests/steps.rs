//! Unit tests of the filters of LIST, and of CANCELALL, RETRYALL and PURGE, which change what it shows.

use crate::task::tests::walk::Dice;
use crate::task::tests::world::World;

/// The ids on a page of LIST.
fn listed(world: &mut World, words: &str) -> String {
    let page = world.say(&format!("TASK.LIST q {words}"));
    assert!(page.starts_with('['), "{words}: {page}");
    let ids = page.split("{id=").skip(1).map(|rest| rest.split(' ').next().unwrap());
    ids.collect::<Vec<_>>().join(" ")
}

/// Sends a step until its cursor is 0. Returns how many tasks each changed.
fn steps(world: &mut World, words: &str) -> Vec<usize> {
    let mut changed = Vec::new();
    let mut cursor = "0".to_string();
    for _ in 0..1_000 {
        let reply = world.say(&format!("{words} CURSOR {cursor}"));
        let (next, count) = reply[1..reply.len() - 1].split_once(", ").expect(&reply);
        changed.push(count.parse().unwrap());
        cursor = next.to_string();
        if cursor == "0" {
            return changed;
        }
    }
    panic!("{words} never ends");
}

/// Tasks in all states: in each some have `ann` in their payloads.
fn populated() -> World {
    let mut world = World::new();
    for n in 0..4 {
        for (state, delay) in [
            ("scheduled", " DELAY 50"),
            ("ready", " PRIORITY 9"),
            ("to", " TO v"),
            ("dead", " PRIORITY 0"),
        ] {
            let payload = ["to-ann", "to-bob"][n % 2];
            world.say(&format!("TASK.SCHEDULE q {payload} ID {state}{n} RETAIN 90{delay}"));
            if state == "dead" {
                let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
                world.say(&format!("TASK.FAIL q {id} {token} ERROR boom-{n} DEAD"));
            }
        }
    }
    world.say("TASK.SCHEDULE q to-ann ID parent PRIORITY 0 RETAIN 90");
    for n in 0..4 {
        world.say(&format!("TASK.SCHEDULE q to-ann ID blocked{n} AFTER 1 parent"));
    }
    world
}

#[test]
fn a_pattern_is_matched_with_id_payload_and_error() {
    let mut world = populated();
    for (words, ids) in [
        ("scheduled MATCH *ann*", "scheduled0 scheduled2"),
        ("scheduled MATCH *d1", "scheduled1"),
        ("scheduled MATCH ann", ""),
        ("ready MATCH *bob", "ready1 ready3 to1 to3"),
        ("ready MATCH *bob REV", "to3 to1 ready3 ready1"),
        ("ready MATCH to[02]", "to0 to2"),
        ("dead MATCH boom-[12]", "dead1 dead2"),
        ("blocked MATCH *d[0-1] PAYLOADS", "blocked0 blocked1"),
        // Two are looked at, one of them is shown.
        ("dead MATCH *bob COUNT 2", "dead1"),
    ] {
        assert_eq!(listed(&mut world, words), ids, "{words}");
    }
    assert!(
        world
            .say("TASK.LIST q dead MATCH *bob COUNT 1")
            .ends_with(":dead0, []]")
    );
    assert!(world.say("TASK.LIST q dead MATCH *bob").contains("payload=null"));
    let long = "x".repeat(257);
    for command in ["LIST q dead", "CANCELALL q ready", "RETRYALL q", "PURGE q dead"] {
        assert_eq!(
            world.say(&format!("TASK.{command} MATCH {long}")),
            "-BADARG MATCH must be at most 256 bytes long"
        );
    }
}

#[test]
fn attempted_tasks_and_those_of_a_worker_are_shown() {
    let mut world = World::new();
    for n in 0..30 {
        world.say(&format!("TASK.SCHEDULE q p ID t{n:02}"));
    }
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q t00 {token} DELAY 0"));
    assert_eq!(
        listed(&mut world, "ready ATTEMPTED"),
        "t00",
        "all are looked at, not ten"
    );
    assert_eq!(listed(&mut world, "ready").split(' ').count(), 10);
    for worker in ["v", "w", "v"] {
        world.claim(&format!("TASK.CLAIM q {worker}"));
    }
    assert_eq!(listed(&mut world, "claimed WORKER v"), "t01 t03");
    assert_eq!(listed(&mut world, "claimed WORKER v MATCH *1"), "t01");
    assert_eq!(listed(&mut world, "claimed WORKER nobody"), "");
    assert_eq!(
        world.say("TASK.CANCELALL q ready WORKER w"),
        "-BADARG WORKER is for the state claimed only"
    );
    assert_eq!(world.say("TASK.CANCELALL q claimed WORKER v"), "[0, 2]");
    assert!(world.say("TASK.GET q t03").contains("cancelled=1"));
    assert!(world.say("TASK.GET q t02").contains("cancelled=0"));
    assert_eq!(
        world.say("TASK.CANCELALL q claimed"),
        "[0, 1]",
        "each is cancelled once"
    );
}

#[test]
fn a_step_changes_what_a_list_shows_and_goes_on_at_its_cursor() {
    for count in [1, 2, 3, 1_000] {
        for state in ["scheduled", "ready", "blocked"] {
            for command in ["CANCELALL", "PURGE"] {
                let mut world = populated();
                let left = |world: &mut World| world.places().into_values().filter(|place| *place != "done").count();
                let before = left(&mut world);
                let words = format!("{state} MATCH *[ab][no][nb]");
                let shown = listed(&mut world, &words).split(' ').count();
                let changed = steps(&mut world, &format!("TASK.{command} q {words} COUNT {count}"));
                assert!(changed.iter().all(|changed| *changed <= count));
                assert_eq!(changed.iter().sum::<usize>(), shown, "{command} {words}");
                assert_eq!(listed(&mut world, &words), "", "{command} {words}");
                // Without the parent nothing is left to wait for it.
                let children = if state == "ready" { 4 } else { 0 };
                assert_eq!(left(&mut world), before - shown - children);
            }
        }
    }
}

#[test]
fn only_some_dead_tasks_are_retried_or_purged() {
    let mut world = populated();
    assert_eq!(steps(&mut world, "TASK.RETRYALL q MATCH boom-[01] COUNT 3"), [2, 0]);
    assert_eq!(world.places()["dead1"], "ready");
    assert_eq!(world.places()["dead2"], "dead");
    assert_eq!(world.say("TASK.RETRYALL q ATTEMPTED MATCH nothing"), "[0, 0]");
    assert_eq!(world.say("TASK.PURGE q dead MATCH *bob*"), "[0, 1]");
    assert_eq!(listed(&mut world, "dead"), "dead2");
    world.say("TASK.BURY q ready0 REASON boom");
    assert_eq!(world.say("TASK.PURGE q dead ATTEMPTED"), "[0, 1]");
    assert_eq!(listed(&mut world, "dead"), "ready0", "it never ran");
    assert_eq!(
        world.say("TASK.PURGE q dead ATTEMPTED IDS 1 a"),
        "-BADARG IDS contradicts ATTEMPTED: give one of them"
    );
    world.say("TASK.SCHEDULE q p ID MATCH ATTEMPTS 1");
    assert_eq!(world.say("TASK.CANCEL q MATCH"), "1", "an id may be such a word");
}

#[test]
fn a_step_ends_with_a_mebibyte_of_payload() {
    let mut world = World::new();
    world.module.max_payload = 2 << 20;
    for n in 0..4 {
        let payload = "x".repeat(600 << 10);
        world.say(&format!("TASK.SCHEDULE q {payload} ID t{n} DELAY 50"));
    }
    assert_eq!(steps(&mut world, "TASK.CANCELALL q scheduled MATCH *y*"), [0, 0, 0]);
    assert_eq!(steps(&mut world, "TASK.CANCELALL q scheduled MATCH x*"), [2, 2, 0]);
}

/// Steps over random tasks with everything else that may happen to them: all that match are gone at the end, all others
/// are there, in one place each.
#[test]
fn random_steps_reach_all_that_match() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        for n in 0..40 {
            let options = [
                "",
                " DELAY 20",
                " GROUP g",
                " TO v",
                " AFTER 1 t0 MISSINGOK",
                " PRIORITY 2",
            ];
            let payload = ["keep", "drop"][dice.roll(2)];
            let option = options[dice.roll(6)];
            world.say(&format!("TASK.SCHEDULE q {payload} ID t{n}{option}"));
        }
        world.claim("TASK.CLAIM q w");
        for state in ["blocked", "scheduled", "ready"] {
            let before = world.places().into_values().filter(|place| *place == state).count();
            let shown = listed(&mut world, &format!("{state} MATCH drop"))
                .split_whitespace()
                .count();
            let command = ["CANCELALL", "PURGE"][dice.roll(2)];
            let words = format!("TASK.{command} q {state} MATCH drop COUNT {}", 1 + dice.roll(9));
            let changed: usize = steps(&mut world, &words).iter().sum();
            assert!(changed >= shown && changed <= before, "seed {seed}: {words}");
            assert_eq!(
                listed(&mut world, &format!("{state} MATCH drop")),
                "",
                "seed {seed}: {words}"
            );
            world.places();
        }
        world.pass(30);
        world.places();
    }
}
