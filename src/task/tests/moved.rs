//! Unit tests of tasks that come from elsewhere (USED).

use super::world::{START, World, got};
use crate::keyspace::fake::Value;

#[test]
fn a_task_brings_its_attempts_and_its_age_along() {
    let mut world = World::new();
    let then = START - 86_400_000;
    let words = format!("TASK.SCHEDULE q p ID a ATTEMPTS 4 USED 2 CREATED {then}");
    assert_eq!(world.say(&words), "a");
    assert_eq!(world.places()["a"], "ready");
    assert_eq!(got(&mut world, "a", "attempt"), "2");
    assert_eq!(got(&mut world, "a", "created_at"), then.to_string());
    assert!(world.say("TASK.LIST q ready ATTEMPTED").contains("id=a"));
    assert_eq!(world.say(&words), "a", "sent again");
    let claimed = world.say("TASK.CLAIM q w");
    assert!(claimed.contains("attempt=3 "), "{claimed}");
    let token = claimed.split("token=").nth(1).unwrap().split(' ').next().unwrap();
    world.say(&format!("TASK.FAIL q a {token} DELAY 0"));
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(world.say(&format!("TASK.FAIL q a {token}")).contains("state=dead"));
    assert_eq!(world.say("TASK.SCHEDULE q p ID b USED 0 DELAY 50"), "b");
    assert_eq!(world.places()["b"], "scheduled");
    let stats = world.say("TASK.STATS q");
    assert!(stats.contains("scheduled_total=0 "), "{stats}");
}

#[test]
fn a_dead_one_is_dead_at_once_and_told_to_nobody() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q max-length 1");
    world.say("TASK.SCHEDULE q p ID full UNIQUE u");
    let dead = "USED 25 DEAD no-such-host REPLY {q}r KIND mail UNIQUE u GROUP g TO w EXPIRE 5 ATTEMPTS 3";
    assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID a {dead}")), "a");
    assert_eq!(world.places()["a"], "dead");
    assert_eq!(got(&mut world, "a", "error"), "no-such-host");
    assert_eq!(got(&mut world, "a", "attempt"), "25");
    assert_eq!(got(&mut world, "a", "kind"), "mail");
    assert_eq!(got(&mut world, "a", "finished_at"), START.to_string());
    let stats = world.say("TASK.STATS q");
    assert!(
        stats.contains("scheduled_total=1 ") && stats.contains("dead_total=0 "),
        "{stats}"
    );
    assert!(
        !world
            .keys
            .keys
            .keys()
            .any(|key| key.ends_with(b":events") || key.starts_with(b"task:{q}r"))
    );
    assert_eq!(
        world.say(&format!("TASK.SCHEDULE q p ID a {dead}")),
        "-DUPLICATE dead a"
    );
    // Its key is another's as long as it is dead.
    assert_eq!(world.say("TASK.RETRY q a"), "0");
    world.say("TASK.CANCEL q full");
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(world.places()["a"], "ready");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    assert!(
        world
            .say("TASK.LIST {q}r ready PAYLOADS")
            .contains("\"state\":\"dead\""),
        "its later death is told"
    );
    world.places();
}

#[test]
fn dead_ones_stay_within_the_limit() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q dead-limit 2");
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} USED 1 DEAD x"));
        world.pass(1);
    }
    assert_eq!(world.places().into_keys().collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn ages_are_between_the_first_that_a_header_holds_and_now() {
    let mut world = World::new();
    let first = 1_577_836_800_000_i64;
    for (created, shown) in [
        (first - 1, first),
        (first + 1_999, first + 1_000),
        (START + 5_000, START),
    ] {
        let id = world.say(&format!("TASK.SCHEDULE q p USED 1 CREATED {created}"));
        assert_eq!(got(&mut world, &id, "created_at"), shown.to_string());
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID parent UNIQUE u");
    world
        .keys
        .keys
        .insert(b"task:{foreign}:dead".to_vec(), Value::String(b"x".to_vec()));
    for (words, error) in [
        (
            "q p USED 25",
            "USED 25 leaves none of 25 attempts: give DEAD, or more ATTEMPTS",
        ),
        (
            "q p USED 1 ATTEMPTS 1",
            "USED 1 leaves none of 1 attempts: give DEAD, or more ATTEMPTS",
        ),
        ("q p USED -1", "n must be an integer from 0 to 46655"),
        (
            "q p UNIQUE u REPLACE USED 1",
            "USED contradicts REPLACE: give one of them",
        ),
        (
            "q p DELAY 5 USED 1 DEAD x",
            "DEAD contradicts a due time: give one of them",
        ),
        (
            "q p AFTER 1 parent USED 1 DEAD x",
            "DEAD contradicts AFTER: give one of them",
        ),
        ("q p DEAD x", "DEAD is an option of USED, which is not given"),
        (
            "q p USED 1 CREATED 1700000000",
            "CREATED must be an integer from 100000000000 to 100000000000000 unix ms, not seconds",
        ),
    ] {
        assert_eq!(world.say(&format!("TASK.SCHEDULE {words}")), format!("-BADARG {error}"));
    }
    assert!(
        world
            .say("TASK.SCHEDULE foreign p USED 1 DEAD x")
            .starts_with("-WRONGTYPE")
    );
    assert_eq!(
        world.say("TASK.SCHEDULE q p UNIQUE u USED 1"),
        "-DUPLICATE ready parent"
    );
    world.full = true;
    assert!(world.say("TASK.SCHEDULE q p USED 1 DEAD x").starts_with("-OOM"));
    assert_eq!(world.places().len(), 1);
}
