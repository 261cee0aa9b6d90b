//! Unit tests of tasks that did not run and are kept: cancelled or expired, with the reason.

use super::world::{World, got, queue};
use crate::keyspace::fake::Value;
use crate::names::{Index, Touched};

fn end(state: &str, error: &str) -> String {
    format!("{{state={state} result=null error={error} progress=null}}")
}

#[test]
fn what_did_not_run_is_kept_for_its_time_with_the_reason() {
    let mut world = World::new();
    for id in ["ready", "later DELAY 5000", "claimed PRIORITY 0", "quick EXPIRE 9"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} RETAIN 100"));
    }
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.CANCEL q ready later claimed REASON by-eve"), "3");
    assert_eq!(world.say("TASK.RESULT q claimed"), end("cancelled", "by-eve"));
    assert_eq!(world.say(&format!("TASK.ACK q claimed {token} RESULT ignored")), "OK");
    world.pass(9);
    for id in ["ready", "later", "claimed", "quick"] {
        let (state, error) = if id == "quick" {
            ("expired", "expired")
        } else {
            ("cancelled", "by-eve")
        };
        assert_eq!(world.places()[id], "done");
        assert_eq!(world.say(&format!("TASK.RESULT q {id}")), end(state, error));
        assert_eq!(got(&mut world, id, "state"), state);
        assert_eq!(got(&mut world, id, "error"), error);
        assert_eq!(got(&mut world, id, "result"), "null");
        let cancelled = i64::from(id != "quick").to_string();
        assert_eq!(got(&mut world, id, "cancelled"), cancelled, "{id}");
    }
    assert_eq!(got(&mut world, "claimed", "attempt"), "1");
    assert!(world.say("TASK.STATS q").contains("done_tasks=4 "));
    assert_eq!(world.say("TASK.LIST q done").matches("state=cancelled").count(), 3);
    assert_eq!(world.say("TASK.RETRY q ready quick"), "0");
    assert_eq!(world.say("TASK.CANCEL q ready quick"), "0");
    let stale = format!("TASK.ACK q claimed {token}");
    assert!(world.say(&stale).starts_with("-STALE"), "{}", world.say(&stale));
    world.pass(100);
    assert!(world.places().is_empty());
}

#[test]
fn every_end_of_a_claim_keeps_a_cancelled_task() {
    for how in ["ACK", "MACK", "FAIL", "RELEASE", "LOSE", "UNCLAIM"] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a RETAIN 90000 UNIQUE u GROUP g ATTEMPTS 1");
        world.say("TASK.SCHEDULE q p ID b GROUP g");
        let (_, token) = world.claim("TASK.CLAIM q w LEASE 7").unwrap();
        world.say("TASK.CANCEL q a REASON x");
        assert_eq!(world.places()["b"], "blocked", "{how}");
        match how {
            "LOSE" => world.pass(7),
            "MACK" => _ = world.say(&format!("TASK.MACK q 1 a {token}")),
            "UNCLAIM" => _ = world.say("TASK.UNCLAIM q a"),
            _ => _ = world.say(&format!("TASK.{how} q a {token}")),
        }
        let places = world.places();
        assert_eq!((places["a"], places["b"]), ("done", "ready"), "{how}");
        assert_eq!(world.say("TASK.RESULT q a"), end("cancelled", "x"), "{how}");
        assert_eq!(world.say("TASK.SCHEDULE q p ID c UNIQUE u"), "c", "{how}");
    }
}

#[test]
fn its_id_may_be_used_again() {
    for how in ["TASK.CANCEL q a", "EXPIRE"] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a RETAIN 5000 EXPIRE 20 KIND k");
        world.say("TASK.SCHEDULE q p ID b");
        match how {
            "EXPIRE" => world.pass(20),
            _ => _ = world.say(how),
        }
        assert_eq!(world.places()["a"], "done");
        assert_eq!(world.say("TASK.SCHEDULE q p ID a PRIORITY 7"), "a");
        assert_eq!(world.places()["a"], "ready");
        assert_eq!(got(&mut world, "a", "error"), "null");
        assert_eq!(got(&mut world, "a", "kept_until"), "null");
        // Not in the place of the earlier one.
        assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "b");
        world.pass(6_000);
        assert_eq!(world.places()["a"], "ready", "the time of the earlier one is over");
        world.say("TASK.CANCEL q a");
        assert_eq!(world.say("TASK.MSCHEDULE q 2 p p IDS a c"), "[a, c]");
        world.places();
    }
}

#[test]
fn dependents_say_what_became_of_those_they_waited_for() {
    for (how, why) in [
        ("FAIL", "boom"),
        ("DEAD", "dead"),
        ("CANCEL", "cancelled"),
        ("REASON", "by eve"),
        ("EXPIRE", "expired"),
        ("PURGE", "removed"),
    ] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a EXPIRE 60 ATTEMPTS 1");
        world.say("TASK.SCHEDULE q p ID b AFTER 1 a RETAIN 5000 REPLY {q}r");
        world.say("TASK.SCHEDULE q p ID c AFTER 1 b RETAIN 5000");
        match how {
            "FAIL" | "DEAD" => {
                let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
                let error = if how == "FAIL" { " ERROR boom" } else { "" };
                world.say(&format!("TASK.FAIL q a {token}{error}"));
            }
            "CANCEL" => _ = world.say("TASK.CANCEL q a"),
            "REASON" => {
                let words: [&[u8]; 5] = [b"TASK.CANCEL", b"q", b"a", b"reason", b"by eve"];
                world.run(None, &words).unwrap();
            }
            "EXPIRE" => world.pass(60),
            _ => _ = world.say("TASK.PURGE q ready"),
        }
        world.places();
        let told = format!("after a: {why}");
        assert_eq!(world.say("TASK.RESULT q b"), end("cancelled", &told), "{how}");
        let told = format!("after b: {told}");
        assert_eq!(world.say("TASK.RESULT q c"), end("cancelled", &told), "{how}");
        let reply = world.say("TASK.LIST {q}r ready PAYLOADS");
        let payload = format!(r#"{{"id":"b","state":"cancelled","error":"after a: {why}"}}"#);
        assert!(reply.contains(&payload), "{reply}");
    }
}

#[test]
fn a_kept_task_that_did_not_run_counts_as_failed_for_new_dependents() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a RETAIN 5000");
    world.say("TASK.SCHEDULE q p ID b RETAIN 5000 EXPIRE 5");
    world.say("TASK.CANCEL q a");
    world.pass(5);
    let refused = |id: &str, state: &str| format!("-NOTASK no task that AFTER can wait for: {id} is {state}");
    assert_eq!(world.say("TASK.SCHEDULE q p AFTER 1 a"), refused("a", "cancelled"));
    assert_eq!(world.say("TASK.SCHEDULE q p AFTER 1 b"), refused("b", "expired"));
    assert_eq!(world.say("TASK.SCHEDULE q p ID c AFTER 2 a b ONFAIL RUN"), "c");
    assert_eq!(world.places()["c"], "ready");
}

#[test]
fn an_id_may_be_called_reason() {
    let mut world = World::new();
    for id in ["REASON", "x", "y"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} RETAIN 5000"));
    }
    assert_eq!(world.say("TASK.CANCEL q REASON x"), "2");
    assert_eq!(got(&mut world, "x", "error"), "null");
    assert_eq!(world.say("TASK.CANCEL q y REASON"), "1");
    assert_eq!(world.say("TASK.SCHEDULE q p ID REASON RETAIN 5000"), "REASON");
    assert_eq!(world.say("TASK.CANCEL q REASON reason bye"), "1");
    assert_eq!(got(&mut world, "REASON", "error"), "bye");
    assert_eq!(world.say("TASK.SCHEDULE q p ID z RETAIN 5000"), "z");
    assert_eq!(world.say("TASK.CANCELALL q ready MATCH z REASON all"), "[0, 1]");
    assert_eq!(got(&mut world, "z", "error"), "all");
}

#[test]
fn a_done_set_of_another_type_lets_tasks_go_unkept() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a RETAIN 5000");
    world.say("TASK.SCHEDULE q p ID b RETAIN 5000 EXPIRE 5");
    let done = queue("q").index(Index::Done).to_vec();
    world.keys.keys.insert(done, Value::String(b"x".to_vec()));
    world.state.touched(&queue("q"), Touched::Queue);
    assert_eq!(world.say("TASK.CANCEL q a"), "1");
    world.pass(5);
    assert!(world.places().is_empty());
}
