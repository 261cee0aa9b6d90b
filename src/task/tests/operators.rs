//! Unit tests of what operators do to single tasks: UNCLAIM, BURY, EDIT, TRIGGER and the owners of definitions.

use crate::task::tests::recurring::{events, fired};
use crate::task::tests::world::{START, World};

fn order(world: &mut World, count: usize) -> Vec<String> {
    (0..count).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect()
}

#[test]
fn an_unclaimed_task_is_ready_with_its_attempt_and_its_token_is_stale() {
    let mut world = World::new();
    for id in ["a", "b", "c", "d"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id}"));
    }
    let tokens: Vec<i64> = (0..3).map(|_| world.claim("TASK.CLAIM q w").unwrap().1).collect();
    assert_eq!(world.say("TASK.UNCLAIM q a c d nobody a"), "2");
    assert_eq!(
        world.say(&format!("TASK.ACK q a {}", tokens[0])),
        "-STALE this token holds no claim: the task is now ready"
    );
    assert!(world.say("TASK.GET q a").contains("state=ready"));
    assert!(world.say("TASK.GET q a").contains("attempt=0"));
    assert_eq!(world.places()["b"], "claimed");
    assert_eq!(
        order(&mut world, 3),
        ["c", "a", "d"],
        "those given first, the last mention counts"
    );
    assert_eq!(world.say(&format!("TASK.EXTEND q b {}", tokens[1])), "30000");
}

#[test]
fn a_waiting_client_gets_what_is_unclaimed_and_a_cancelled_task_goes() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q concurrency 1");
    world.say("TASK.SCHEDULE q p ID a");
    world.claim("TASK.CLAIM q w");
    assert_eq!(world.hear(2, "TASK.CLAIM q other BLOCK 0"), "(waits)");
    assert_eq!(world.say("TASK.UNCLAIM q a"), "1");
    assert_eq!(world.answered.len(), 1);
    world.say("TASK.CANCEL q a");
    assert_eq!(world.say("TASK.UNCLAIM q a"), "1");
    assert!(world.places().is_empty());
    assert_eq!(
        world.say(&format!("TASK.UNCLAIM q{}", " a".repeat(1_001))),
        "-BADARG ids must be at most 1000 a call, not 1001"
    );
}

#[test]
fn a_buried_task_is_dead_wherever_it_was() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID scheduled DELAY 50 EXPIRE 10 UNIQUE k");
    world.say("TASK.SCHEDULE q p ID ready EXPIRE 20");
    world.say("TASK.SCHEDULE q p ID to TO other");
    world.say("TASK.SCHEDULE q p ID turn GROUP g");
    world.say("TASK.SCHEDULE q p ID next GROUP g");
    world.say("TASK.SCHEDULE q p ID claimed PRIORITY 0");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(5);
    for id in ["scheduled", "ready", "to", "turn", "claimed"] {
        assert_eq!(world.say(&format!("TASK.BURY q {id} REASON poison")), "OK", "{id}");
        assert_eq!(world.places()[id], "dead");
        let task = world.say(&format!("TASK.GET q {id}"));
        assert!(task.contains("error=poison"), "{task}");
        assert!(task.contains(&format!("finished_at={}", START + 5)), "{task}");
        let attempt = usize::from(id == "claimed");
        assert!(task.contains(&format!("attempt={attempt} ")), "{task}");
        assert_eq!(
            world.header_of(id).lease,
            if id == "claimed" { 5 } else { 0 },
            "how long it ran"
        );
    }
    assert!(events(&world).contains(&"dead ready buried".to_string()));
    assert_eq!(world.places()["next"], "ready", "the turn is free");
    assert_eq!(
        world.say(&format!("TASK.ACK q claimed {token}")),
        "-STALE this token holds no claim: the task is now dead"
    );
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID other UNIQUE k"),
        "other",
        "the key is free"
    );
    world.pass(1_000);
    assert_eq!(world.places()["ready"], "dead", "and does not expire");
    assert_eq!(world.say("TASK.RETRY q ready to turn claimed"), "4");
    assert_eq!(world.places()["ready"], "ready");
    world.places();
}

#[test]
fn what_neither_waits_nor_is_claimed_is_not_buried() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID parent RETAIN 50");
    world.say("TASK.SCHEDULE q p ID child AFTER 1 parent");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    let refused = |now: &str| format!("-NOTASK not a task that waits or is claimed: it is {now}");
    assert_eq!(world.say("TASK.BURY q child"), refused("blocked"));
    assert_eq!(world.say("TASK.BURY q nobody"), "-NOTASK no such task");
    world.say(&format!("TASK.ACK q parent {token}"));
    assert_eq!(world.say("TASK.BURY q parent"), refused("done"));
    world.claim("TASK.CLAIM q w");
    world.say("TASK.CANCEL q child");
    assert_eq!(world.say("TASK.BURY q child"), refused("cancelled"));
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.BURY q a REASON first");
    assert_eq!(world.say("TASK.BURY q a REASON second"), refused("dead"));
    assert!(world.say("TASK.GET q a").contains("error=first"));
}

#[test]
fn those_that_wait_for_a_buried_task_learn_of_it() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.SCHEDULE q p ID child AFTER 1 a");
    assert_eq!(world.hear(2, "TASK.RESULT q a BLOCK 0"), "(waits)");
    world.say("TASK.BURY q a");
    assert_eq!(world.answered.len(), 1);
    assert_eq!(world.places().len(), 1, "the child is cancelled");
}

#[test]
fn an_edited_task_keeps_its_place() {
    let mut world = World::new();
    for words in ["a", "b", "later DELAY 50", "turn GROUP g", "blocked GROUP g"] {
        world.say(&format!("TASK.SCHEDULE q old ID {words}"));
    }
    for id in ["a", "later", "blocked"] {
        let place = world.places()[id];
        assert_eq!(world.say(&format!("TASK.EDIT q {id} PAYLOAD new")), "OK");
        let task = world.say(&format!("TASK.GET q {id}"));
        assert!(task.contains("payload=new"), "{task}");
        assert_eq!(world.places()[id], place);
    }
    assert_eq!(order(&mut world, 2), ["a", "b"]);
    assert_eq!(
        world.say("TASK.EDIT q a PAYLOAD newer"),
        "-NOTASK not a task that waits: it is claimed"
    );
    assert_eq!(world.say("TASK.EDIT q nobody PAYLOAD x"), "-NOTASK no such task");
    assert!(world.say("TASK.EDIT q b").starts_with("-BADARG"));
    world.module.max_payload = 3;
    assert!(
        world
            .say("TASK.EDIT q later PAYLOAD long")
            .starts_with("-TOOBIG payload")
    );
}

#[test]
fn a_triggered_occurrence_changes_nothing_else() {
    let mut world = World::new();
    world.say("TASK.REPEAT q n p EVERY 1000 LIMIT 1 OVERLAP SKIP LEASE 77");
    let shown = world.say("TASK.REPEATS q");
    world.pass(10);
    assert_eq!(world.say("TASK.TRIGGER q n"), format!("n:{}", START + 10));
    assert_eq!(
        world.say("TASK.TRIGGER q n"),
        format!("-DUPLICATE ready n:{}", START + 10)
    );
    let task = world.say(&format!("TASK.GET q n:{}", START + 10));
    assert!(task.contains("lease_ms=77") && task.contains("payload=p"), "{task}");
    assert_eq!(world.say("TASK.REPEATS q"), shown);
    world.pass(5);
    world.say("TASK.TRIGGER q n");
    world.pass(985);
    assert_eq!(fired(&world), [10, 15, 1000]);
    assert_eq!(
        world.say("TASK.TRIGGER q n"),
        "-NOTASK no recurring task n",
        "LIMIT is over"
    );
    world.say("TASK.REPEAT q n p EVERY 1000 REPLY {q}r");
    world.say("TASK.CONFIG SET q max-length 3");
    world.pass(1);
    assert!(world.say("TASK.TRIGGER q n").starts_with("-QUEUEFULL"));
    assert!(
        world
            .say(&format!("TASK.TRIGGER q {}", "n".repeat(241)))
            .starts_with("-BADNAME")
    );
}

#[test]
fn a_definition_has_the_owner_that_defined_it_last() {
    let mut world = World::new();
    for (name, owner) in [("a", " OWNER x"), ("b", " OWNER y"), ("c", ""), ("d", " OWNER x")] {
        world.say(&format!("TASK.REPEAT q {name} p EVERY 1000{owner}"));
    }
    let names = |world: &mut World, words: &str| {
        let shown = world.say(format!("TASK.REPEATS q {words}").trim_end());
        let names = shown
            .split("{name=")
            .skip(1)
            .map(|rest| rest.split(' ').next().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&mut world, ""), "a b c d");
    assert_eq!(names(&mut world, "OWNER x"), "a d");
    assert_eq!(names(&mut world, "OWNER nobody"), "");
    // Two are looked at, one of them is shown.
    assert_eq!(names(&mut world, "OWNER x COUNT 2"), "a");
    assert!(
        world
            .say("TASK.REPEATS q OWNER x COUNT 2")
            .starts_with(&format!("[{}:b, ", START + 1000))
    );
    let before = world.keys.clone();
    world.say("TASK.REPEAT q a p EVERY 1000 OWNER x");
    assert_eq!(world.keys.keys, before.keys, "the same call changes nothing");
    world.pass(500);
    assert_eq!(
        world.say("TASK.REPEAT q a p EVERY 1000 OWNER y"),
        (START + 1000).to_string(),
        "another owner keeps the phase"
    );
    assert_eq!(names(&mut world, "OWNER y"), "a b");
    world.pass(500);
    assert_eq!(names(&mut world, "OWNER y"), "a b", "an occurrence keeps the owner");
    world.say("TASK.REPEAT q a p EVERY 1000");
    assert!(world.say("TASK.REPEATS q").contains("name=a rule=EVERY 1000 next_at=1800000002000 last_at=1800000001000 fired_total=1 limit=null start_at=null end_at=null misfire=ONCE within_ms=null overlap=ALLOW owner=null"));
}
