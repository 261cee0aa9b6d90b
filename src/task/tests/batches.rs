//! Unit tests of MFAIL, MRELEASE and MEXTEND.

use crate::keyspace::fake::Value;
use crate::task::tests::world::{START, World};

/// A world where these tasks are claimed. Returns their ids and tokens as words.
fn claimed(world: &mut World, ids: &[&str]) -> Vec<String> {
    let claim = |id: &&str| {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
        let (id, token) = world.claim("TASK.CLAIM q w LEASE 50").unwrap();
        format!("{id} {token}")
    };
    ids.iter().map(claim).collect()
}

#[test]
fn each_claim_ends_on_its_own() {
    for (command, cancelled, a, c) in [
        ("MFAIL", None, "scheduled", Some("scheduled")),
        ("MRELEASE", None, "ready", Some("ready")),
        ("MEXTEND", Some("claimed"), "claimed", Some("claimed")),
    ] {
        let mut world = World::new();
        let claims = claimed(&mut world, &["a", "b", "c"]);
        world.say("TASK.CANCEL q b");
        let [a_claim, b_claim, c_claim] = &claims[..] else {
            panic!()
        };
        assert_eq!(
            world.say(&format!(
                "TASK.{command} q 5 {a_claim} a 7 {b_claim} nobody 7 {c_claim}"
            )),
            "[OK, STALE, CANCELLED, NOTASK, OK]",
            "{command}"
        );
        let places = world.places();
        assert_eq!(places["a"], a, "{command}");
        assert_eq!(places.get("b").copied(), cancelled, "{command}");
        assert_eq!(places.get("c").copied(), c, "{command}");
    }
}

#[test]
fn a_claim_given_twice_ends_once() {
    for (command, outcome) in [("MFAIL", "[OK, STALE]"), ("MRELEASE", "[STALE, OK]")] {
        let mut world = World::new();
        let claim = &claimed(&mut world, &["a"])[0];
        assert_eq!(world.say(&format!("TASK.{command} q 2 {claim} {claim}")), outcome);
    }
}

#[test]
fn the_options_hold_for_all() {
    let mut world = World::new();
    let claims = claimed(&mut world, &["a", "b"]).join(" ");
    assert_eq!(world.say(&format!("TASK.MEXTEND q 2 {claims} LEASE 70")), "[OK, OK]");
    for id in ["a", "b"] {
        assert!(world.say(&format!("TASK.GET q {id}")).contains("remaining_ms=70"));
    }
    assert_eq!(
        world.say(&format!("TASK.MFAIL q 2 {claims} ERROR boom DELAY 9")),
        "[OK, OK]"
    );
    for id in ["a", "b"] {
        let task = world.say(&format!("TASK.GET q {id}"));
        assert!(
            task.contains("state=scheduled") && task.contains(&format!("due_at={}", START + 9)),
            "{task}"
        );
        assert!(task.contains("attempt=1") && task.contains("error=boom"), "{task}");
    }
    world.pass(9);
    let claims: Vec<String> = (0..2)
        .map(|_| world.claim("TASK.CLAIM q w").unwrap())
        .map(|(id, token)| format!("{id} {token}"))
        .collect();
    assert_eq!(
        world.say(&format!("TASK.MFAIL q 2 {} DEAD", claims.join(" "))),
        "[OK, OK]"
    );
    assert!(world.places().values().all(|place| *place == "dead"));
    let claims = claimed(&mut world, &["c", "d"]).join(" ");
    assert_eq!(world.say(&format!("TASK.MRELEASE q 2 {claims} DELAY 5")), "[OK, OK]");
    let task = world.say("TASK.GET q d");
    assert!(
        task.contains("state=scheduled") && task.contains(&format!("due_at={}", START + 14)),
        "{task}"
    );
    assert!(task.contains("attempt=0"), "{task}");
}

#[test]
fn released_tasks_are_claimed_again_in_the_order_given() {
    let mut world = World::new();
    let claims = claimed(&mut world, &["a", "b", "c"]).join(" ");
    world.say("TASK.SCHEDULE q p ID d");
    world.say(&format!("TASK.MRELEASE q 3 {claims}"));
    let order: Vec<String> = (0..4).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
}

#[test]
fn a_key_of_another_type_stops_all_before_any_ends() {
    for command in ["MFAIL", "MRELEASE"] {
        let mut world = World::new();
        let claims = claimed(&mut world, &["a", "b"]).join(" ");
        let foreign = Value::String(b"foreign".to_vec());
        world.keys.keys.insert(b"task:{q}:x:b".to_vec(), foreign);
        // The world checks that an error writes nothing.
        let reply = world.say(&format!("TASK.{command} q 2 {claims}"));
        assert!(reply.starts_with("-WRONGTYPE"), "{command}: {reply}");
    }
}
