//! Unit tests of EXPIRE, UNIQUE and the events of a queue.

use std::collections::BTreeSet;

use super::walk::Dice;
use super::world::{START, World, got, queue};
use crate::keyspace::fake::Value;
use crate::names::Part;

/// The events so far, `type id worker attempt reason` each, `-` for what is empty.
fn events(world: &World) -> Vec<String> {
    let key = queue("q").of_queue(Part::TaskEvents).to_vec();
    let Some(Value::Stream(entries)) = world.keys.keys.get(&key) else {
        return Vec::new();
    };
    let shown = |value: &Vec<u8>| match value.as_slice() {
        b"" => "-".to_string(),
        value => String::from_utf8(value.to_vec()).unwrap(),
    };
    let entry = |fields: &Vec<(Vec<u8>, Vec<u8>)>| {
        // None of these tasks has a kind.
        assert_eq!(fields.last(), Some(&(b"kind".to_vec(), Vec::new())));
        let values: Vec<String> = fields.iter().take(5).map(|(_, value)| shown(value)).collect();
        values.join(" ")
    };
    entries.values().map(entry).collect()
}

fn keys(world: &World) -> Vec<String> {
    let keys = world.keys.keys.keys();
    keys.map(|key| String::from_utf8(key.clone()).unwrap()).collect()
}

#[test]
fn everything_that_goes_wrong_is_told_once_and_in_order() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q max-lost 1 lease 5");
    world.say("TASK.SCHEDULE q p ID lost");
    for _ in 0..2 {
        world.claim("TASK.CLAIM q w1").unwrap();
        world.pass(5);
    }
    world.say("TASK.SCHEDULE q p ID failed ATTEMPTS 2 BACKOFF FIXED 1");
    for _ in 0..2 {
        let (_, token) = world.claim("TASK.CLAIM q w2").unwrap();
        world.say(&format!("TASK.FAIL q failed {token}"));
        world.pass(1);
    }
    world.say("TASK.SCHEDULE q p ID given-up");
    let (_, token) = world.claim("TASK.CLAIM q w2").unwrap();
    world.say(&format!("TASK.FAIL q given-up {token} DEAD"));
    world.say("TASK.SCHEDULE q p ID waits DELAY 9");
    world.say("TASK.SCHEDULE q p ID held");
    world.claim("TASK.CLAIM q w3").unwrap();
    world.say("TASK.CANCEL q waits held held nobody");
    world.pass(5);
    world.say("TASK.SCHEDULE q p ID late EXPIRE 3");
    world.pass(3);
    world.say("TASK.SCHEDULE q p ID fine EXPIRE 3 UNIQUE k");
    let (_, token) = world.claim("TASK.CLAIM q w1").unwrap();
    world.say(&format!("TASK.RELEASE q fine {token}"));
    let (_, token) = world.claim("TASK.CLAIM q w1").unwrap();
    world.say(&format!("TASK.ACK q fine {token}"));
    assert_eq!(
        events(&world),
        [
            "lost lost w1 1 lease",
            "lost lost w1 2 lease",
            "dead lost w1 2 lost",
            "dead failed w2 2 attempts",
            "dead given-up w2 1 failed",
            "cancelled waits - - -",
            "cancelled held w3 1 -",
            "lost held w3 1 lease",
            "expired late - - -",
        ]
    );
}

#[test]
fn what_goes_well_is_told_at_its_level() {
    let life = |level: &str| {
        let mut world = World::new();
        world.say(&format!("TASK.CONFIG SET q events-level {level}"));
        world.say("TASK.SCHEDULE q p ID a");
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.EXTEND q a {token} PROGRESS half"));
        assert!(
            world
                .say(&format!("TASK.FAIL q a {token} ERROR oops DELAY 0"))
                .contains("ready")
        );
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.MACK q 1 a {token}"));
        world.say("TASK.SCHEDULE q p ID b");
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say("TASK.CANCEL q b");
        world.say(&format!("TASK.ACK q b {token}"));
        (events(&world), world)
    };
    assert_eq!(life("problems").0, ["cancelled b w 1 -"]);
    assert_eq!(life("ends").0, ["done a w 2 -", "cancelled b w 1 -"]);
    let (told, mut world) = life("all");
    assert_eq!(
        told,
        [
            "claimed a w 1 -",
            "progress a w 1 half",
            "retried a w 1 oops",
            "claimed a w 2 -",
            "done a w 2 -",
            "claimed b w 1 -",
            "cancelled b w 1 -",
        ]
    );
    // A key of another type keeps no task from succeeding.
    let key = queue("q").of_queue(Part::TaskEvents).to_vec();
    world.keys.keys.insert(key, Value::String(b"x".to_vec()));
    world.say("TASK.SCHEDULE q p ID c");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say(&format!("TASK.ACK q c {token}")), "OK");
}

#[test]
fn events_are_capped_and_can_be_turned_off() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q events 10");
    assert_eq!(world.say("TASK.CONFIG GET q events"), "{events=10}");
    for n in 0..100 {
        world.say(&format!("TASK.SCHEDULE q p ID {n}"));
        world.say(&format!("TASK.CANCEL q {n}"));
    }
    let kept = events(&world);
    assert!((10..=11).contains(&kept.len()), "{kept:?}");
    assert_eq!(kept.last().unwrap(), "cancelled 99 - - -");
    world.say("TASK.CONFIG SET q events 0");
    world.say("TASK.SCHEDULE q p ID a");
    world.say("TASK.CANCEL q a");
    assert_eq!(events(&world), kept);
    let key = queue("q").of_queue(Part::TaskEvents).to_vec();
    world.keys.keys.insert(key, Value::String(b"x".to_vec()));
    world.say("TASK.SCHEDULE q p ID a");
    assert_eq!(
        world.say("TASK.CANCEL q a"),
        "1",
        "a key that is not needed may be anything"
    );
    world.say("TASK.CONFIG SET q events 1");
    world.say("TASK.SCHEDULE q p ID a");
    assert_eq!(
        world.say("TASK.CANCEL q a"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(
        world
            .say(&format!("TASK.FAIL q a {token} DEAD"))
            .starts_with("-WRONGTYPE")
    );
    assert_eq!(world.say(&format!("TASK.ACK q a {token}")), "OK");
}

#[test]
fn a_task_that_nobody_claims_in_time_is_dropped() {
    let mut world = World::new();
    world.say("TASK.PAUSE q");
    world.say("TASK.SCHEDULE q p ID now EXPIRE 10");
    world.say("TASK.SCHEDULE q p ID later DELAY 20 EXPIRE 10 PRIORITY 3");
    world.say("TASK.SCHEDULE q p ID plain");
    assert_eq!(got(&mut world, "now", "expires_at"), (START + 10).to_string());
    assert_eq!(got(&mut world, "later", "expires_at"), (START + 30).to_string());
    assert_eq!(got(&mut world, "plain", "expires_at"), "null");
    world.pass(9);
    assert_eq!(world.places().len(), 3);
    world.restart();
    world.pass(1);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["later", "plain"]);
    world.pass(10);
    assert_eq!(world.places()["later"], "ready");
    world.pass(10);
    assert_eq!(world.places().keys().collect::<Vec<_>>(), ["plain"]);
    assert_eq!(events(&world), ["expired now - - -", "expired later - - -"]);
    assert!(world.say("TASK.STATS q").contains("expired_total=2 "));
}

#[test]
fn a_claim_stops_the_clock_and_every_way_back_starts_it() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a EXPIRE 10 ATTEMPTS 9 BACKOFF FIXED 50 UNIQUE k");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(got(&mut world, "a", "expires_at"), "null");
    world.pass(100);
    world.say(&format!("TASK.FAIL q a {token}"));
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 160).to_string());
    world.say("TASK.RESCHEDULE q a DELAY 30");
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 140).to_string());
    world.say("TASK.RESCHEDULE q a PRIORITY 3");
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 140).to_string());
    world.say("TASK.RESCHEDULE q a DELAY 0");
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 110).to_string());
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(5);
    world.say(&format!("TASK.RELEASE q a {token}"));
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 115).to_string());
    world.claim("TASK.CLAIM q w LEASE 5").unwrap();
    world.pass(5);
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 120).to_string());
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    world.pass(100);
    world.places();
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(got(&mut world, "a", "expires_at"), (START + 220).to_string());
    world.pass(10);
    assert_eq!(world.say("TASK.GET q a"), "null");
    assert_eq!(world.say("TASK.SCHEDULE q p ID b UNIQUE k"), "b");
}

#[test]
fn many_that_expire_go_in_slices() {
    let mut world = World::new();
    let line = format!("TASK.MSCHEDULE q 200{} EXPIRE 5", " p".repeat(200));
    world.say(&line);
    world.say("TASK.CONFIG SET q events 1000");
    world.wall = world.wall.after(5);
    world.steady = world.steady.after(5);
    world.slice();
    assert!(world.places().len() > 100, "one slice has its share");
    world.tick();
    assert!(world.places().is_empty());
    assert_eq!(events(&world).len(), 200);
    assert!(world.say("TASK.STATS q").contains("expired_total=200 "));
    assert_eq!(keys(&world), ["task:{q}", "task:{q}:events"]);
}

#[test]
fn a_key_is_held_until_the_task_ends_in_any_way() {
    let taken = "-DUPLICATE ready a";
    for (how, then) in [
        ("TASK.CANCEL q a", "b"),
        ("TASK.PURGE q ready", "b"),
        ("TASK.DROP q", "b"),
        ("TASK.RESCHEDULE q a DELAY 5", "-DUPLICATE scheduled a"),
        ("TASK.RESCHEDULE q a PRIORITY 1", taken),
        ("TASK.PAUSE q", taken),
    ] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a UNIQUE k");
        assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), taken);
        world.restart();
        assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), taken);
        assert_eq!(got(&mut world, "a", "unique"), "k");
        world.say(how);
        world.places();
        let again = world.say("TASK.SCHEDULE q p ID b UNIQUE k");
        assert_eq!(again, then, "{how}");
        world.tick();
        world.places();
    }
    for how in ["ACK", "FAIL", "RELEASE", "EXPIRY"] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID a UNIQUE k ATTEMPTS 1");
        let (_, token) = world.claim("TASK.CLAIM q w LEASE 5").unwrap();
        let claimed = "-DUPLICATE claimed a";
        assert_eq!(world.say("TASK.SCHEDULE q p ID b UNIQUE k"), claimed);
        assert_eq!(
            world.say("TASK.SCHEDULE q p UNIQUE k REPLACE"),
            claimed,
            "it is claimed"
        );
        if how == "EXPIRY" {
            world.pass(5);
        } else {
            world.say(&format!("TASK.{how} q a {token}"));
        }
        let again = world.say("TASK.SCHEDULE q p ID b UNIQUE k");
        assert_eq!(again, if how == "RELEASE" { taken } else { "b" }, "{how}");
        world.places();
    }
}

#[test]
fn a_cancelled_holder_keeps_its_key_until_its_claim_ends() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.CANCEL q a");
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID b UNIQUE k REPLACE"),
        "-DUPLICATE claimed a"
    );
    world.say(&format!("TASK.RELEASE q a {token}"));
    assert_eq!(world.say("TASK.SCHEDULE q p ID b UNIQUE k"), "b");
    world.places();
}

#[test]
fn a_dead_task_whose_key_is_taken_stays_dead() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} UNIQUE k ATTEMPTS 1"));
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.say(&format!("TASK.FAIL q {id} {token}"));
        world.pass(1);
    }
    world.say("TASK.SCHEDULE q p ID d ATTEMPTS 1");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q d {token}"));
    assert_eq!(world.say("TASK.RETRY q b c"), "1");
    assert_eq!(world.places()["b"], "ready");
    assert_eq!(world.say("TASK.RETRY q a"), "0");
    let mut came = vec![world.say("TASK.RETRYALL q COUNT 1")];
    for _ in 0..3 {
        let last = came.last().unwrap();
        let cursor = last[1..].split(',').next().unwrap();
        came.push(world.say(&format!("TASK.RETRYALL q COUNT 1 CURSOR {cursor}")));
    }
    let retried: Vec<bool> = came.iter().map(|reply| reply.ends_with(" 1]")).collect();
    assert_eq!(
        retried,
        [false, false, true, false],
        "those in front do not stand in the way: {came:?}"
    );
    assert_eq!(came[3], "[0, 0]");
    assert_eq!(world.places()["d"], "ready");
    assert_eq!(world.say("TASK.PURGE q dead"), "[0, 2]");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE ready b");
    world.places();
}

#[test]
fn for_a_time_a_key_is_held_whatever_becomes_of_the_task() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.SCHEDULE q p ID a UNIQUE k FOR 50"), "a");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q a {token}"));
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE unknown a");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE"), "-DUPLICATE unknown a");
    world.restart();
    world.pass(49);
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE unknown a");
    world.pass(1);
    assert_eq!(keys(&world), Vec::<String>::new(), "the timer forgets it");
    assert_eq!(world.say("TASK.SCHEDULE q p ID b DELAY 90 UNIQUE k FOR 10"), "b");
    world.wall = world.wall.after(10);
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID c UNIQUE k"),
        "c",
        "though b waits and the timer has not come"
    );
    world.tick();
    assert_eq!(
        world.say("TASK.SCHEDULE q p UNIQUE k"),
        "-DUPLICATE ready c",
        "the timer leaves the new holder alone"
    );
    world.say("TASK.CANCEL q b");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE ready c");
    world.places();
}

#[test]
fn the_moment_of_creation_stays_over_retries_and_is_that_of_the_replacement() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k ATTEMPTS 1");
    let created = world.header_of("a").created;
    world.pass(2_000);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token}"));
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(world.header_of("a").created, created);
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE"), "a");
    assert_eq!(world.header_of("a").created, created.after(2_000));
}

#[test]
fn a_holder_that_waits_becomes_the_new_task() {
    let mut world = World::new();
    for id in ["first", "a", "last"] {
        world.say(&format!(
            "TASK.SCHEDULE q old ID {id} UNIQUE {id} ATTEMPTS 3 EXPIRE 900"
        ));
    }
    // A ready task that stays ready is replaced in place.
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE a REPLACE EXPIRE 70"), "a");
    assert_eq!(world.places().len(), 3);
    assert_eq!(
        (
            got(&mut world, "a", "max_attempts"),
            got(&mut world, "a", "expires_at"),
            got(&mut world, "a", "payload")
        ),
        ("25".into(), (START + 70).to_string(), "new".into())
    );
    assert!(world.say("TASK.LIST q ready").contains("id=a"));
    // With a delay it is scheduled, and later takes its place again.
    world.pass(1);
    assert_eq!(world.say("TASK.SCHEDULE q newer ID a UNIQUE a REPLACE DELAY 10"), "a");
    assert_eq!(world.places()["a"], "scheduled");
    assert_eq!(got(&mut world, "a", "expires_at"), "null");
    world.pass(9);
    assert_eq!(world.say("TASK.SCHEDULE q newest UNIQUE a REPLACE DELAY 10"), "a");
    world.pass(1);
    assert_eq!(world.places()["a"], "scheduled");
    world.pass(9);
    assert_eq!(world.places()["a"], "ready");
    let order: Vec<String> = (0..3).map(|_| world.claim("TASK.CLAIM q w").unwrap().0).collect();
    assert_eq!(order, ["first", "a", "last"]);
    assert!(world.say("TASK.STATS q").contains("scheduled_total=3 "));
}

#[test]
fn a_new_priority_takes_the_task_to_the_other_list_and_no_other_id_is_taken() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k PRIORITY 7 DELAY 5");
    world.say("TASK.SCHEDULE q p ID b");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE"), "a", "due now");
    assert_eq!(got(&mut world, "a", "priority"), "7", "one that is not given stays");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE PRIORITY 2"), "a");
    assert_eq!(world.places().len(), 2);
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID c UNIQUE k REPLACE"),
        "-DUPLICATE ready a"
    );
    assert_eq!(
        world.say("TASK.SCHEDULE q x ID b UNIQUE k REPLACE"),
        "-DUPLICATE ready b"
    );
    assert_eq!(world.say("TASK.SCHEDULE q x ID b UNIQUE other"), "-DUPLICATE ready b");
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, "a");
    assert_eq!(
        world.say("TASK.MSCHEDULE q 1 p UNIQUE k"),
        "-BADARG unknown argument UNIQUE"
    );
    assert_eq!(
        world.say("TASK.SCHEDULE q p REPLACE"),
        "-BADARG REPLACE is an option of UNIQUE, which is not given"
    );
}

#[test]
fn a_replaced_task_begins_anew() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k ATTEMPTS 2 BACKOFF FIXED 100");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} ERROR boom"));
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE ATTEMPTS 2"), "a");
    assert_eq!(
        (got(&mut world, "a", "attempt"), got(&mut world, "a", "error")),
        ("0".into(), "null".into())
    );
    let (_, next) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(next > token);
}

#[test]
fn a_replaced_task_that_keeps_its_time_is_due_when_it_was() {
    let mut world = World::new();
    let edit = |world: &mut World, payload: &str| {
        let call = format!("TASK.SCHEDULE q {payload} UNIQUE k REPLACE KEEP DELAY 10 PRIORITY 4");
        let id = world.say(&call);
        world.places();
        id
    };
    let id = edit(&mut world, "1");
    let due = got(&mut world, &id, "due_at");
    for payload in ["2", "3"] {
        world.pass(4);
        assert_eq!(edit(&mut world, payload), id);
        assert_eq!(got(&mut world, &id, "due_at"), due);
    }
    world.pass(2);
    assert_eq!(world.places()[&id], "ready", "ten after the first");
    world.pass(5);
    assert_eq!(edit(&mut world, "4"), id);
    assert_eq!(world.places()[&id], "ready", "it is not put off");
    assert_eq!(got(&mut world, &id, "due_at"), due);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, id);
    assert_eq!(got(&mut world, &id, "payload"), "4");
    assert_eq!(edit(&mut world, "5"), format!("-DUPLICATE claimed {id}"));
    world.say("TASK.SCHEDULE q p ID parent");
    world.say("TASK.SCHEDULE q p ID child UNIQUE c DELAY 50 AFTER 1 parent");
    world.pass(20);
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE c REPLACE KEEP"), "child");
    assert_eq!(world.places()["child"], "scheduled", "its time has not come");
    assert_eq!(
        world.say("TASK.SCHEDULE q p UNIQUE c KEEP"),
        "-BADARG KEEP must follow UNIQUE directly: UNIQUE key [FOR ms | UNTIL CLAIM] [REPLACE [KEEP]]"
    );
}

#[test]
fn a_key_until_the_claim_lets_an_edit_during_the_run_make_one_more() {
    let mut world = World::new();
    let edit = |world: &mut World| world.say("TASK.SCHEDULE q p UNIQUE k UNTIL CLAIM REPLACE");
    let first = edit(&mut world);
    assert_eq!(edit(&mut world), first);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.places();
    let second = edit(&mut world);
    assert_ne!(second, first);
    assert_eq!(edit(&mut world), second);
    assert_eq!(
        world.say("TASK.SCHEDULE q p UNIQUE k UNTIL CLAIM"),
        format!("-DUPLICATE ready {second}")
    );
    // Neither a release nor a retry nor a death takes the key back.
    world.say(&format!("TASK.RELEASE q {first} {token}"));
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q {first} {token} DEAD"));
    assert_eq!(world.say(&format!("TASK.RETRY q {first}")), "1");
    world.places();
    assert_eq!(edit(&mut world), second);
    world.say(&format!("TASK.CANCEL q {second} {first}"));
    world.tick();
    assert_eq!(keys(&world), ["task:{q}:events", "task:{q}:workers"]);
    assert_eq!(
        world.say("TASK.SCHEDULE q p UNIQUE k FOR 5 UNTIL CLAIM"),
        "-BADARG UNTIL contradicts FOR: give one of them"
    );
}

#[test]
fn ten_thousand_debounces_end_in_one_run_and_leave_nothing() {
    for pause in ["TASK.RESUME q", "TASK.PAUSE q FOR 60000"] {
        let mut world = World::new();
        world.module.history_queues = 0;
        world.say(pause);
        world.say("TASK.SCHEDULE q p ID a UNIQUE k");
        for n in 0..10_000 {
            let how = ["", " DELAY 5", " PRIORITY 5", " PRIORITY 6", " PRIORITY 6 DELAY 1"][n % 5];
            let before = world.keys.keys.len();
            assert_eq!(
                world.say(&format!("TASK.SCHEDULE q {n} UNIQUE k REPLACE EXPIRE 99999{how}")),
                "a"
            );
            assert!(world.keys.keys.len() <= before.max(8));
            if n % 1_000 == 0 {
                world.places();
                world.pass(1);
            }
        }
        world.pass(60_000);
        world.places();
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!((id.as_str(), got(&mut world, "a", "payload")), ("a", "9999".into()));
        assert_eq!(world.claim("TASK.CLAIM q w"), None);
        world.say(&format!("TASK.ACK q a {token}"));
        world.tick();
        assert_eq!(keys(&world), ["task:{q}:workers"]);
    }
}

#[test]
fn a_unique_hash_that_somebody_edited_holds_nothing_up() {
    for value in [
        "nobody",
        "plain",
        "other",
        "a\t",
        "a\tsoon",
        "\t",
        "",
        "plain\t5",
        "x\r\ny\t9999999999999",
    ] {
        let mut world = World::new();
        world.say("TASK.SCHEDULE q p ID plain");
        world.say("TASK.SCHEDULE q p ID other UNIQUE else");
        let key = queue("q").of_queue(Part::Unique).to_vec();
        let Some(Value::Hash(fields)) = world.keys.keys.get_mut(&key) else {
            panic!()
        };
        fields.insert(b"k".to_vec(), value.as_bytes().to_vec());
        assert_eq!(
            world.say("TASK.SCHEDULE q p ID new UNIQUE k REPLACE"),
            "new",
            "{value:?}"
        );
        assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE ready new");
        world.places();
    }
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k");
    world.keys.keys.remove(&queue("q").of_queue(Part::Unique).to_vec());
    assert_eq!(
        world.say("TASK.SCHEDULE q p ID b UNIQUE k"),
        "b",
        "the hash is the truth"
    );
    world.say("TASK.CANCEL q a");
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k"), "-DUPLICATE ready b");
}

/// A random walk over everything that takes or frees a unique key or starts an EXPIRE; the world checks after every
/// step that both are stored exactly where the headers say so.
#[test]
fn no_random_history_leaves_a_key_or_a_clock_behind() {
    for seed in 0..40_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let mut tokens: Vec<(String, i64)> = Vec::new();
        for _ in 0..300 {
            let (id, key) = (format!("t{}", dice.roll(5)), dice.roll(3));
            let claim = (!tokens.is_empty()).then(|| tokens[dice.roll(tokens.len())].clone());
            let line = match dice.roll(14) {
                0..=3 => {
                    let with_id = ["".to_string(), format!(" ID {id}")][dice.roll(2)].clone();
                    let when = ["", " DELAY 20", " PRIORITY 3", " PRIORITY 3 DELAY 9"][dice.roll(4)];
                    let how = [
                        "",
                        " REPLACE",
                        " REPLACE KEEP",
                        " FOR 15",
                        " UNTIL CLAIM",
                        " UNTIL CLAIM REPLACE",
                    ][dice.roll(6)];
                    let expire = ["", " EXPIRE 12"][dice.roll(2)];
                    let group = ["", " GROUP g", " GROUP h"][dice.roll(3)];
                    let to = ["", "", " TO w", " TO v"][dice.roll(4)];
                    format!("TASK.SCHEDULE q p{with_id} ATTEMPTS 3{when}{expire}{group}{to} UNIQUE k{key}{how}")
                }
                4 | 5 => {
                    let worker = ["w", "v"][dice.roll(2)];
                    tokens.extend(world.claim(&format!("TASK.CLAIM q {worker} LEASE 10")));
                    continue;
                }
                6 => format!("TASK.CANCEL q {id}"),
                7 => format!("TASK.RESCHEDULE q {id} DELAY {}", dice.roll(20)),
                8 => match claim {
                    Some((id, token)) => format!("TASK.ACK q {id} {token}"),
                    None => continue,
                },
                9 => match claim {
                    Some((id, token)) => format!("TASK.FAIL q {id} {token} DELAY {}", dice.roll(5)),
                    None => continue,
                },
                10 => match claim {
                    Some((id, token)) => format!("TASK.RELEASE q {id} {token}"),
                    None => continue,
                },
                11 => "TASK.RETRYALL q".into(),
                12 if dice.roll(5) == 0 => {
                    ["TASK.DROP q FORCE", "TASK.PURGE q ready", "TASK.PURGE q scheduled"][dice.roll(3)].into()
                }
                _ => {
                    if dice.roll(6) == 0 {
                        world.restart();
                    }
                    world.pass(dice.roll(8) as i64);
                    continue;
                }
            };
            world.say(&line);
            world.places();
        }
        world.say("TASK.DROP q FORCE");
        world.pass(100);
        let left: BTreeSet<String> = keys(&world).into_iter().collect();
        assert!(left.is_empty(), "seed {seed}: {left:?}");
    }
}
