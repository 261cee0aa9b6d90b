//! Unit tests of tasks that are sent again with their ids.

use super::world::World;

/// A task that has come this far: what the world says of it in TASK.LIST, and how it gets there.
const LIVES: [(&str, &[&str]); 5] = [
    ("ready", &["TASK.SCHEDULE q p ID a"]),
    ("scheduled", &["TASK.SCHEDULE q p ID a DELAY 5"]),
    ("claimed", &["TASK.SCHEDULE q p ID a", "TASK.CLAIM q w"]),
    (
        "blocked",
        &["TASK.SCHEDULE q x ID b", "TASK.SCHEDULE q p ID a AFTER 1 b"],
    ),
    (
        "done",
        &[
            "TASK.SCHEDULE q p ID a RETAIN 9",
            "TASK.CLAIM q w",
            "TASK.ACK q a TOKEN",
        ],
    ),
];

fn lived(steps: &[&str]) -> World {
    let mut world = World::new();
    let mut token = 0;
    for step in steps {
        if step.starts_with("TASK.CLAIM") {
            token = world.claim(step).unwrap().1;
        } else {
            world.say(&step.replace("TOKEN", &token.to_string()));
        }
    }
    world
}

#[test]
fn a_task_sent_again_is_there_once_wherever_it_is() {
    for (state, steps) in LIVES {
        let mut world = lived(steps);
        assert_eq!(world.places()["a"], state);
        let (before, written) = (world.keys.keys.clone(), world.keys.writes);
        world.full = true;
        world.module.max_payload = 0;
        for options in [
            "",
            " DELAY 9 PRIORITY 1 GROUP g TO w",
            " AFTER 1 nobody",
            " UNIQUE k",
            " UNIQUE k REPLACE",
            " REPLY {q}forbidden",
        ] {
            assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID a{options}")), "a", "{state}");
        }
        assert_eq!(world.say("TASK.MSCHEDULE q 1 p IDS a DELAY 5"), "[a]");
        assert_eq!(world.keys.keys, before, "{state}");
        assert_eq!(world.keys.writes - written, 7, "each counts as a write");
        let other = format!("-DUPLICATE {state} a");
        assert_eq!(world.say("TASK.SCHEDULE q other ID a"), other);
        assert_eq!(world.say("TASK.MSCHEDULE q 1 other IDS a"), other);
    }
}

#[test]
fn what_did_not_succeed_is_not_taken_for_the_task_that_is_sent() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID b");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CANCEL q b");
    assert_eq!(world.say("TASK.SCHEDULE q p ID a"), "-DUPLICATE dead a");
    assert_eq!(world.say("TASK.SCHEDULE q p ID b"), "-DUPLICATE claimed b");
    world.say("TASK.PURGE q dead");
    assert_eq!(world.say("TASK.SCHEDULE q p ID a"), "a");
}

#[test]
fn a_debounce_sent_again_is_a_debounce() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k REPLACE DELAY 10");
    world.pass(6);
    assert_eq!(world.say("TASK.SCHEDULE q p ID a UNIQUE k REPLACE DELAY 10"), "a");
    world.pass(6);
    assert_eq!(world.places()["a"], "scheduled");
    world.pass(4);
    world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.SCHEDULE q p ID a UNIQUE k REPLACE"), "a");
    assert_eq!(
        world.say("TASK.SCHEDULE q new ID a UNIQUE k REPLACE"),
        "-DUPLICATE claimed a"
    );
}

#[test]
fn of_many_with_ids_the_missing_ones_are_made() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q two ID b DELAY 5");
    assert_eq!(world.say("TASK.MSCHEDULE q 3 one two three IDS a b c"), "[a, b, c]");
    assert_eq!(world.places()["b"], "scheduled");
    let order: Vec<String> = (0..2).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert_eq!(order, ["a", "c"]);
    assert!(world.say("TASK.STATS q").contains("scheduled_total=3 "));
    world.say("TASK.CONFIG SET q max-length 4");
    let before = world.keys.keys.clone();
    for (call, answer) in [
        ("TASK.MSCHEDULE q 2 one other IDS a b", "-DUPLICATE scheduled b"),
        ("TASK.MSCHEDULE q 2 four other IDS d b", "-DUPLICATE scheduled b"),
        ("TASK.MSCHEDULE q 2 x x IDS d d", "-BADARG IDS has an id twice"),
        ("TASK.MSCHEDULE q 2 x x IDS d", "-BADARG id is missing its value"),
        ("TASK.MSCHEDULE q 1 x IDS d e", "-BADARG unknown argument e"),
    ] {
        assert_eq!(world.say(call), answer, "{call}");
        assert_eq!(world.keys.keys, before, "{call}");
    }
    let full = world.say("TASK.MSCHEDULE q 3 one x x IDS a d e");
    assert!(full.starts_with("-QUEUEFULL"), "{full}");
    assert_eq!(world.say("TASK.MSCHEDULE q 2 one four IDS a d AFTER 1 b"), "[a, d]");
    assert_eq!(world.places()["d"], "blocked");
    world.full = true;
    assert_eq!(world.say("TASK.MSCHEDULE q 2 one two IDS a b"), "[a, b]");
    let full = world.say("TASK.MSCHEDULE q 2 one x IDS a e");
    assert!(full.starts_with("-OOM"), "{full}");
}
