//! Unit tests of ONFAIL WAIT: dependents that go on waiting while their parent is dead.

use super::world::{World, got, queue};
use crate::names::Touched;

/// A dead parent, and what waits for it.
fn world(children: &[&str]) -> World {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a ATTEMPTS 1");
    for child in children {
        let id = child.split(' ').next().unwrap();
        assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID {child}")), id);
    }
    fail(&mut world, "a");
    world
}

fn fail(world: &mut World, id: &str) {
    let (claimed, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(claimed, id);
    world.say(&format!("TASK.FAIL q {id} {token} ERROR boom"));
    world.places();
}

fn ack(world: &mut World, id: &str) {
    let (claimed, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(claimed, id);
    assert_eq!(world.say(&format!("TASK.ACK q {id} {token}")), "OK");
    world.places();
}

#[test]
fn a_dependent_waits_while_its_parent_is_dead_and_goes_on_after_a_retry() {
    let mut world = world(&[
        "b AFTER 1 a ONFAIL WAIT",
        "c AFTER 1 b",
        "d AFTER 1 a",
        "e AFTER 1 a ONFAIL RUN",
    ]);
    let places = world.places();
    assert_eq!((places["b"], places["c"], places["e"]), ("blocked", "blocked", "ready"));
    assert!(!places.contains_key("d"));
    assert_eq!(got(&mut world, "a", "dependents"), "1");
    assert_eq!(got(&mut world, "b", "dependents"), "1");
    ack(&mut world, "e");
    for _ in 0..2 {
        world.restart();
        world.tick();
        assert_eq!(world.places()["b"], "blocked");
        world.say("TASK.RETRY q a");
        fail(&mut world, "a");
    }
    // One more may come while it is dead.
    assert_eq!(world.say("TASK.SCHEDULE q p ID f AFTER 1 a ONFAIL WAIT"), "f");
    assert!(world.say("TASK.SCHEDULE q p AFTER 1 a").starts_with("-NOTASK"));
    assert_eq!(got(&mut world, "a", "dependents"), "2");
    world.say("TASK.RETRYALL q");
    ack(&mut world, "a");
    for id in ["b", "f", "c"] {
        ack(&mut world, id);
    }
    assert!(world.places().is_empty());
    world.tick();
    assert!(!world.keys.keys.keys().any(|key| key.starts_with(b"task:{q}:after:")));
}

#[test]
fn a_dead_parent_that_goes_takes_them_along() {
    for how in ["PURGE", "TRIM", "AGE", "CANCEL AFTER RETRY", "DELETED"] {
        let mut world = world(&["b AFTER 1 a ONFAIL WAIT RETAIN 900000000"]);
        match how {
            "PURGE" => assert_eq!(world.say("TASK.PURGE q dead"), "[0, 1]"),
            "TRIM" => {
                world.say("TASK.CONFIG SET q dead-limit 1");
                world.pass(1);
                world.say("TASK.SCHEDULE q p USED 1 DEAD x");
            }
            "AGE" => {
                world.say("TASK.CONFIG SET q dead-retain 60000");
                world.pass(60_001);
            }
            "DELETED" => {
                world.keys.keys.remove(&queue("q").task(b"a").to_vec());
                world.state.touched(&queue("q"), Touched::Task);
                world.restart();
                world.tick();
            }
            _ => {
                world.say("TASK.RETRY q a");
                world.say("TASK.CANCEL q a");
            }
        }
        if how != "DELETED" {
            assert_eq!(world.places().get("b"), Some(&"done"), "{how}");
        }
        assert_eq!(got(&mut world, "b", "state"), "cancelled", "{how}");
        assert!(world.say("TASK.GET q b").contains("error=after a: "), "{how}");
    }
}

#[test]
fn only_the_dead_are_waited_for() {
    for how in ["CANCEL", "EXPIRE"] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a EXPIRE 5 RETAIN 5000");
        world.say("TASK.SCHEDULE q p ID b AFTER 1 a ONFAIL WAIT");
        match how {
            "CANCEL" => _ = world.say("TASK.CANCEL q a"),
            _ => world.pass(5),
        }
        assert!(!world.places().contains_key("b"), "{how}");
        assert!(
            world
                .say("TASK.SCHEDULE q p AFTER 1 a ONFAIL WAIT")
                .starts_with("-NOTASK")
        );
    }
}

#[test]
fn many_that_wait_for_a_dead_parent_and_many_that_do_not() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a ATTEMPTS 1");
    let payloads = " p".repeat(300);
    for onfail in ["WAIT", "CANCEL", "WAIT"] {
        world.say(&format!("TASK.MSCHEDULE q 300{payloads} AFTER 1 a ONFAIL {onfail}"));
    }
    fail(&mut world, "a");
    assert!(world.places().len() > 601, "the timer does the rest");
    world.restart();
    world.tick();
    assert_eq!(world.places().len(), 601);
    assert_eq!(got(&mut world, "a", "dependents"), "600");
}

#[test]
fn a_retry_before_the_timer_has_come_to_all_of_them_reaches_them_all() {
    for purged in [false, true] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a ATTEMPTS 1");
        world.say(&format!(
            "TASK.MSCHEDULE q 400{} AFTER 1 a ONFAIL WAIT",
            " p".repeat(400)
        ));
        fail(&mut world, "a");
        if purged {
            world.say("TASK.PURGE q dead");
            world.tick();
            assert!(world.places().is_empty());
        } else {
            world.say("TASK.RETRY q a");
            ack(&mut world, "a");
            world.tick();
            assert!(world.say("TASK.STATS q").contains("ready_tasks=400 "));
        }
    }
}
