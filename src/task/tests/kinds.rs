//! Unit tests of KIND.

use super::walk::Dice;
use super::world::{World, got, queue};
use crate::keyspace::Keyspace as _;
use crate::keyspace::fake::Value;
use crate::names::Part;

/// The fields of the settings hash.
fn table(world: &mut World) -> Vec<String> {
    let fields = world.keys.hgetall(queue("q").queue()).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    fields
        .iter()
        .map(|(field, value)| format!("{} {}", text(field), text(value)))
        .collect()
}

#[test]
fn a_task_has_its_kind_wherever_it_is_shown() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a KIND mail.send");
    world.say("TASK.MSCHEDULE q 1 p IDS b KIND report");
    world.say("TASK.REPEAT q tick p EVERY 5 LIMIT 1 KIND mail.send");
    world.say("TASK.SCHEDULE q p ID plain");
    world.pass(5);
    assert_eq!(table(&mut world), ["kind:1 mail.send", "kind:2 report"]);
    assert_eq!(got(&mut world, "a", "kind"), "mail.send");
    assert_eq!(got(&mut world, "plain", "kind"), "null");
    assert!(
        world
            .say("TASK.LIST q ready")
            .contains("{id=b state=ready kind=report ")
    );
    let claimed = world.say("TASK.CLAIM q w COUNT 9");
    let kinds: Vec<&str> = claimed
        .split("kind=")
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(kinds, ["mail.send", "report", "null", "mail.send"]);
    assert!(claimed.contains(" kind=mail.send payload=p}"), "{claimed}");
    assert_eq!(world.header_of("a").kind, 1);
    assert_eq!(world.header_of("plain").kind, 0);
    assert!(
        !world.header_of("a").has(crate::task::header::WITH_OPTIONS),
        "a number is enough"
    );
}

#[test]
fn an_event_has_the_kind_of_its_task() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a KIND mail.send DELAY 5");
    world.say("TASK.CANCEL q a");
    let stream = queue("q").of_queue(Part::TaskEvents).to_vec();
    let Some(Value::Stream(entries)) = world.keys.keys.get(&stream) else {
        panic!("events")
    };
    let (field, kind) = entries.values().next().unwrap().last().unwrap();
    assert_eq!(
        (field.as_slice(), kind.as_slice()),
        (b"kind".as_slice(), b"mail.send".as_slice())
    );
}

#[test]
fn stats_count_each_kind() {
    let mut world = World::new();
    assert_eq!(world.say("TASK.STATS q KINDS"), "[]");
    for (id, kind, end) in [
        ("a", "x", "ACK"),
        ("b", "x", "FAIL"),
        ("c", "y", "FAIL"),
        ("d", "y", "RELEASE"),
    ] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} KIND {kind} ATTEMPTS 1"));
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        world.pass(10);
        world.say(&format!("TASK.{end} q {id} {token}"));
    }
    world.claim("TASK.CLAIM q w").unwrap();
    world.say("TASK.SCHEDULE q p");
    world.claim("TASK.CLAIM q w").unwrap();
    let stats = "[{kind=x claimed_total=2 acked_total=1 failed_total=1 dead_total=1 claimed_tasks=0 run_total_ms=20 run_p50_ms=10 run_p99_ms=10}, \
                 {kind=y claimed_total=3 acked_total=0 failed_total=1 dead_total=1 claimed_tasks=1 run_total_ms=10 run_p50_ms=10 run_p99_ms=10}]";
    assert_eq!(world.say("TASK.STATS q KINDS"), stats);
    world.restart();
    world.tick();
    world.say("TASK.CLAIM q w");
    let again = world.say("TASK.STATS q KINDS");
    assert!(again.contains("kind=y") && again.contains("claimed_tasks=1"), "{again}");
    world.say("TASK.DROP q FORCE");
    assert!(!world.say("TASK.STATS q KINDS").contains("claimed_tasks=1"));
}

#[test]
fn of_more_than_a_thousand_kinds_the_others_are_counted_as_one() {
    let mut world = World::new();
    for n in 0..1_002 {
        world.say(&format!("TASK.SCHEDULE q p ID {n} KIND k{n}"));
    }
    assert_eq!(table(&mut world).len(), 1_000);
    assert_eq!(got(&mut world, "1001", "kind"), "k1001");
    assert_eq!(world.header_of("1001").kind, 1_001);
    let claimed = world.say("TASK.CLAIM q w COUNT 1000") + &world.say("TASK.CLAIM q w COUNT 2");
    assert!(claimed.contains("kind=k999 ") && claimed.contains("kind=k1001 "));
    let stats = world.say("TASK.STATS q KINDS");
    assert!(stats.contains("{kind=other claimed_total=2 "), "{stats}");
    assert!(!stats.contains("kind=k1001"));
    world.say("TASK.DROP q FORCE");
    world.pass(200_000);
    world.say("TASK.SCHEDULE q p KIND new");
    world.claim("TASK.CLAIM q w").unwrap();
    let stats = world.say("TASK.STATS q KINDS");
    assert!(stats.contains("{kind=new claimed_total=1 "), "{stats}");
    assert!(stats.contains("{kind=other claimed_total=3 "), "one made room: {stats}");
}

#[test]
fn tasks_of_a_kind_are_found_and_changed_together() {
    let mut world = World::new();
    for n in 0..1_001 {
        world.say(&format!("TASK.SCHEDULE q p ID {n} KIND k{n} DELAY 5"));
    }
    for (id, kind) in [("a", "k3"), ("b", "k1000"), ("c", "k1001")] {
        world.say(&format!("TASK.SCHEDULE q p ID {id} KIND {kind}"));
    }
    world.say("TASK.SCHEDULE q p ID plain");
    for (words, ids) in [
        ("ready KIND k3", &["a"][..]),
        ("ready KIND k1000", &["b"]),
        ("ready KIND k3 MATCH b", &[]),
        ("ready KIND nothing", &[]),
        ("scheduled KIND k3", &["3"]),
    ] {
        let page = world.say(&format!("TASK.LIST q {words}"));
        let shown: Vec<&str> = page.split("{id=").skip(1).collect();
        assert_eq!(shown.len(), ids.len(), "{words}: {page}");
        assert!(
            shown
                .iter()
                .zip(ids)
                .all(|(task, id)| task.starts_with(&format!("{id} "))),
            "{words}: {page}"
        );
    }
    assert_eq!(world.say("TASK.PURGE q ready KIND k1001"), "[0, 1]");
    assert_eq!(world.say("TASK.CANCELALL q ready KIND k1000"), "[0, 1]");
    world.say("TASK.BURY q a");
    assert_eq!(world.say("TASK.RETRYALL q KIND k1"), "[0, 0]");
    assert_eq!(world.say("TASK.RETRYALL q KIND k3"), "[0, 1]");
    assert_eq!(
        world.say("TASK.PURGE q dead KIND k3 IDS 1 a"),
        "-BADARG IDS contradicts KIND: give one of them"
    );
    assert_eq!((world.places()["a"], world.places()["plain"]), ("ready", "ready"));
    assert!(!world.places().contains_key("b") && !world.places().contains_key("c"));
}

#[test]
fn numbers_are_free_again_when_nothing_uses_them() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a KIND x ATTEMPTS 1");
    world.say("TASK.SCHEDULE q p ID b KIND y");
    world.say("TASK.CANCEL q b");
    let (_, token) = world.claim("TASK.CLAIM q w LEASE 600000").unwrap();
    world.pass(200_000);
    assert_eq!(table(&mut world).len(), 2, "a claimed task uses one");
    world.say(&format!("TASK.FAIL q a {token}"));
    world.pass(200_000);
    assert_eq!(table(&mut world).len(), 2, "so does a dead one");
    assert_eq!(got(&mut world, "a", "kind"), "x");
    world.say("TASK.PURGE q dead");
    world.pass(200_000);
    assert_eq!(table(&mut world), Vec::<String>::new());
    world.say("TASK.SCHEDULE q p ID a KIND z");
    assert_eq!(
        (table(&mut world), got(&mut world, "a", "kind")),
        (vec!["kind:1 z".into()], "z".into())
    );
}

#[test]
fn when_all_are_used_up_the_numbers_that_no_task_has_are_free_again() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID later KIND later DELAY 900000");
    for (id, end) in [
        ("done", "ACK"),
        ("dead", "FAIL"),
        ("claimed", "EXTEND"),
        ("failed", "FAIL"),
    ] {
        let attempts = if id == "dead" { 1 } else { 2 };
        world.say(&format!(
            "TASK.SCHEDULE q p ID {id} KIND {id} ATTEMPTS {attempts} RETAIN 900000 BACKOFF FIXED 900000"
        ));
        let (_, token) = world.claim("TASK.CLAIM q w LEASE 900000").unwrap();
        world.say(&format!("TASK.{end} q {id} {token}"));
    }
    world.say("TASK.SCHEDULE q p ID blocked KIND blocked AFTER 1 later");
    world.say("TASK.SCHEDULE q p ID ready KIND ready");
    world.say("TASK.SCHEDULE q p ID to KIND to TO v");
    for n in 0..992 {
        world.say(&format!("TASK.SCHEDULE q p ID {n} KIND k{n}"));
    }
    assert_eq!(table(&mut world).len(), 1_000);
    world.say("TASK.PURGE q ready MATCH [0-9]*");
    world.say("TASK.SCHEDULE q p ID more KIND more");
    assert_eq!(world.header_of("more").kind, 1_001);
    world.tick();
    let kept = [
        "later", "done", "dead", "claimed", "failed", "blocked", "ready", "to", "more",
    ];
    for id in kept {
        assert_eq!(got(&mut world, id, "kind"), id);
    }
    world.say("TASK.SCHEDULE q p ID new KIND new");
    let kinds = table(&mut world);
    let kinds = kinds.iter().filter(|field| field.starts_with("kind:"));
    assert_eq!(kinds.count(), 9);
    assert_eq!(
        (got(&mut world, "new", "kind"), world.header_of("new").kind),
        ("new".into(), 9)
    );
}

#[test]
fn a_number_stays_with_its_tasks_while_they_move() {
    for seed in 0..8 {
        let mut world = World::new();
        let mut dice = Dice(seed);
        let ids = ["a", "b", "c", "d", "e", "f"];
        for id in ids {
            world.say(&format!(
                "TASK.SCHEDULE q p ID {id} KIND {id} DELAY 50 UNIQUE {id} BACKOFF FIXED 4"
            ));
        }
        // A walk over these takes several slices.
        for n in 0..994 {
            let delay = [0, 40, 60][n % 3];
            world.say(&format!("TASK.SCHEDULE q x ID {n} KIND k{n} DELAY {delay} PRIORITY 3"));
        }
        for _ in 0..20 {
            world.say("TASK.SCHEDULE q x KIND more DELAY 900000");
            while world.slice() {
                let id = ids[dice.roll(6)];
                let due = dice.roll(100);
                let priority = dice.roll(10);
                world.say(
                    &[
                        format!("TASK.RESCHEDULE q {id} DELAY {due} PRIORITY {priority}"),
                        format!("TASK.RESCHEDULE q {id} DELAY 0 PRIORITY {priority}"),
                        format!("TASK.BURY q {id}"),
                        format!("TASK.RETRY q {id}"),
                        format!("TASK.UNCLAIM q {id}"),
                        "TASK.CLAIM q w COUNT 2".into(),
                    ][dice.roll(6)],
                );
            }
            for id in ids {
                assert_eq!(got(&mut world, id, "kind"), id, "seed {seed}");
            }
            world.say(&format!(
                "TASK.PURGE q {} MATCH x COUNT 50",
                ["ready", "scheduled"][dice.roll(2)]
            ));
            world.pass(61_000);
        }
    }
}

#[test]
fn a_replaced_task_gets_the_new_kind_and_one_sent_again_keeps_its_own() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a UNIQUE k KIND x DELAY 5");
    world.say("TASK.SCHEDULE q p UNIQUE k REPLACE KIND y DELAY 5");
    assert_eq!(got(&mut world, "a", "kind"), "y");
    world.say("TASK.SCHEDULE q p ID a KIND z");
    assert_eq!(table(&mut world), ["kind:1 x", "kind:2 y"]);
    world.say("TASK.SCHEDULE q p UNIQUE k REPLACE DELAY 5");
    assert_eq!(got(&mut world, "a", "kind"), "null");
    let before = world.keys.keys.clone();
    let refused = world.say("TASK.SCHEDULE q p KIND ");
    assert_eq!(refused, "-BADNAME kind must be 1 to 256 bytes long");
    world.say("TASK.CONFIG SET q max-length 1");
    let before_full = (before, world.say("TASK.SCHEDULE q p KIND new"));
    assert!(before_full.1.starts_with("-QUEUEFULL"));
    assert_eq!(table(&mut world).len(), 3, "two kinds and the setting");
}

#[test]
fn a_table_that_somebody_edited_is_read_as_far_as_it_makes_sense() {
    let mut world = World::new();
    world.say("TASK.SCHEDULE q p ID a KIND x");
    for (field, value) in [
        ("kind:0", "zero"),
        ("kind:1001", "many"),
        ("kind:z", "z"),
        ("kind:2", ""),
    ] {
        let fields = [(field.as_bytes(), value.as_bytes())];
        world.keys.hset(queue("q").queue(), &fields).unwrap();
    }
    world.keys.hdel(queue("q").queue(), &[b"kind:1"]).unwrap();
    world.state.touched(&queue("q"), crate::names::Touched::Queue);
    assert_eq!(got(&mut world, "a", "kind"), "null");
    world.claim("TASK.CLAIM q w").unwrap();
    assert!(world.say("TASK.STATS q KINDS").contains("{kind=other claimed_total=1 "));
    world.say("TASK.SCHEDULE q p ID b KIND y");
    assert_eq!(got(&mut world, "b", "kind"), "y");
}
