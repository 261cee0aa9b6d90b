//! Unit tests of TO.

mod edited;
mod gone;
mod histories;
mod waiting;

use crate::task::tests::world::{World, got};

fn schedule(world: &mut World, words: &[&str]) {
    for words in words {
        let id = words.split(' ').next().unwrap();
        assert_eq!(world.say(&format!("TASK.SCHEDULE q p ID {words}")), id);
        world.places();
    }
}

/// The ids that this worker can claim now, in order.
fn claimable(world: &mut World, worker: &str) -> Vec<String> {
    let ids = claim_all(world, worker);
    world.places();
    ids
}

fn claim_all(world: &mut World, worker: &str) -> Vec<String> {
    let claim = format!("TASK.CLAIM q {worker} COUNT 1000");
    let mut ids = Vec::new();
    loop {
        let claimed = world.say(&claim);
        if claimed == "none" {
            return ids;
        }
        let each = claimed.split("{id=").skip(1);
        ids.extend(each.map(|task| task.split(' ').next().unwrap().to_string()));
    }
}

#[test]
fn a_task_for_one_that_must_be_there_is_refused_without_it() {
    let mut world = World::new();
    let refused = "-NOMEMBER no member w in service q (setting service of queue q)";
    let before = world.keys.keys.clone();
    for call in ["TASK.SCHEDULE q p ID a TO w NOW", "TASK.MSCHEDULE q 2 p p TO w NOW"] {
        assert_eq!(world.say(call), refused);
    }
    assert_eq!(world.keys.keys, before);
    world.say("TASK.REPEAT q tick p EVERY 10 START 1800000000010 TO w NOW");
    world.pass(10);
    assert!(!world.places().contains_key("tick:1800000000010"), "skipped");
    world.say("PID.REGISTER q w 1 TTL 1000");
    assert_eq!(world.say("TASK.SCHEDULE q p ID a DELAY 5 TO w NOW"), "a");
    world.pass(10);
    assert_eq!(claimable(&mut world, "w"), ["a", "tick:1800000000020"]);
    world.say("TASK.UNREPEAT q tick");
    world.say("PID.EVICT q w");
    assert_eq!(world.say("TASK.SCHEDULE q p ID a TO w NOW"), "a", "it was sent before");
    assert_eq!(world.say("TASK.SCHEDULE q p ID b TO w NOW"), refused);
    assert_eq!(
        world.say("TASK.SCHEDULE q p NOW"),
        "-BADARG NOW is an option of TO, which is not given"
    );
}

#[test]
fn only_its_worker_gets_it_the_most_urgent_and_oldest_first() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["plain PRIORITY 4", "b TO w", "urgent TO w PRIORITY 1", "other"],
    );
    world.pass(1);
    schedule(&mut world, &["a TO w", "last TO w PRIORITY 9", "late TO w DELAY 5"]);
    assert!(world.say("TASK.STATS q").contains("scheduled_tasks=1 ready_tasks=6 "));
    assert_eq!(got(&mut world, "b", "to"), "w");
    assert_eq!(got(&mut world, "plain", "to"), "null");
    assert_eq!(claimable(&mut world, "v"), ["plain", "other"]);
    schedule(&mut world, &["common", "common2 PRIORITY 8"]);
    assert_eq!(
        claimable(&mut world, "w"),
        ["urgent", "b", "a", "common", "common2", "last"],
        "of each priority first what is for it"
    );
    assert!(
        world
            .say("TASK.STATS q")
            .contains("scheduled_tasks=1 ready_tasks=0 claimed_tasks=8 ")
    );
    world.pass(5);
    assert_eq!(world.claim("TASK.CLAIM q v"), None);
    assert_eq!(claimable(&mut world, "w"), ["late"]);
}

#[test]
fn many_are_claimed_at_once_and_by_mclaim_and_next() {
    let mut world = World::new();
    world.say(
        "TASK.MSCHEDULE q 300 p TO w"
            .replace(" p ", &" p".repeat(300))
            .replacen("pTO", "p TO", 1)
            .as_str(),
    );
    world.places();
    assert!(world.say("TASK.STATS q").contains("ready_tasks=300 "));
    assert_eq!(world.say("TASK.CLAIM q v COUNT 5"), "none");
    assert_eq!(world.say("TASK.CLAIM q w COUNT 200").matches("id=").count(), 200);
    assert_eq!(world.say("TASK.MCLAIM 2 r q w COUNT 98").matches("queue=q").count(), 98);
    world.places();
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    let next = world.say(&format!("TASK.ACK q {id} {token} NEXT"));
    assert_eq!(next.matches("id=").count(), 1, "{next}");
    assert!(world.say("TASK.STATS q").contains("ready_tasks=0 claimed_tasks=299 "));
    world.places();
}

#[test]
fn it_stays_its_own_however_it_comes_back() {
    for how in [
        "FAIL",
        "RELEASE",
        "RELEASE LATER",
        "LOSE",
        "RESCHEDULE",
        "RESTART",
        "RETRY",
    ] {
        let mut world = World::new();
        schedule(&mut world, &["a TO w ATTEMPTS 9 BACKOFF FIXED 20"]);
        let (_, token) = world.claim("TASK.CLAIM q w LEASE 30").unwrap();
        match how {
            "FAIL" => world.say(&format!("TASK.FAIL q a {token}")),
            "RELEASE" => world.say(&format!("TASK.RELEASE q a {token}")),
            "RELEASE LATER" => world.say(&format!("TASK.RELEASE q a {token} DELAY 20")),
            "RESCHEDULE" => {
                world.say(&format!("TASK.RELEASE q a {token}"));
                world.say("TASK.RESCHEDULE q a DELAY 20 PRIORITY 2")
            }
            "RETRY" => {
                world.say(&format!("TASK.FAIL q a {token} DEAD"));
                world.places();
                world.say("TASK.RETRYALL q")
            }
            "RESTART" => {
                world.restart();
                world.tick();
                String::new()
            }
            _ => String::new(),
        };
        world.places();
        world.pass(30);
        assert_eq!(world.places()["a"], "ready", "{how}");
        assert_eq!(world.claim("TASK.CLAIM q v"), None, "{how}");
        assert_eq!(claimable(&mut world, "w"), ["a"], "{how}");
    }
}

#[test]
fn every_end_takes_it_out_of_the_tasks_of_its_worker() {
    for how in [
        "ACK",
        "RETAIN",
        "CANCEL",
        "CANCEL CLAIMED",
        "PURGE",
        "EXPIRE",
        "TRIM",
        "DROP",
    ] {
        let mut world = World::new();
        schedule(&mut world, &["a TO w EXPIRE 500"]);
        let line = match how {
            "CANCEL" => "TASK.CANCEL q a".into(),
            "PURGE" => "TASK.PURGE q ready".into(),
            "DROP" => "TASK.DROP q".into(),
            "EXPIRE" => {
                world.pass(500);
                String::from("TASK.STATS q")
            }
            _ => {
                let (_, token) = world.claim("TASK.CLAIM q w LEASE 30").unwrap();
                match how {
                    "ACK" => format!("TASK.ACK q a {token}"),
                    "RETAIN" => {
                        world.say("TASK.CONFIG SET q retain 1000");
                        format!("TASK.ACK q a {token}")
                    }
                    "TRIM" => {
                        world.say("TASK.CONFIG SET q dead-limit 0");
                        format!("TASK.FAIL q a {token} DEAD")
                    }
                    _ => {
                        world.say("TASK.CANCEL q a");
                        world.places();
                        format!("TASK.RELEASE q a {token}")
                    }
                }
            }
        };
        world.say(&line);
        world.places();
        world.tick();
        world.places();
        assert!(!world.keys.keys.contains_key(b"task:{q}:to:w".as_slice()), "{how}");
        assert!(!world.keys.keys.contains_key(b"task:{q}:targeted".as_slice()), "{how}");
        if how == "RETAIN" {
            assert_eq!(got(&mut world, "a", "to"), "w", "what it was");
        }
    }
}

#[test]
fn rescheduled_it_takes_the_place_of_its_priority_and_time() {
    let mut world = World::new();
    schedule(&mut world, &["a TO w", "b TO w", "c TO w"]);
    assert_eq!(world.say("TASK.RESCHEDULE q c PRIORITY 3"), world.wall.0.to_string());
    world.places();
    world.say("TASK.RESCHEDULE q a DELAY 10");
    world.places();
    assert_eq!(world.places()["a"], "scheduled");
    world.say("TASK.RESCHEDULE q a DELAY 0");
    world.places();
    assert_eq!(claimable(&mut world, "w"), ["c", "a", "b"]);
}

#[test]
fn a_replaced_task_changes_its_worker_or_keeps_its_place() {
    let mut world = World::new();
    schedule(&mut world, &["a TO w UNIQUE k"]);
    world.pass(1);
    schedule(&mut world, &["b TO w", "c"]);
    for (options, place, worker) in [
        (" TO w", "ready", "w"),
        (" TO v", "ready", "v"),
        ("", "ready", "null"),
        (" DELAY 5", "scheduled", "null"),
        (" DELAY 5 TO v", "scheduled", "v"),
        (" DELAY 5 TO w", "scheduled", "w"),
        (" TO w", "ready", "w"),
        (" TO w PRIORITY 2", "ready", "w"),
        (" PRIORITY 2", "ready", "null"),
        (" TO w PRIORITY 5", "ready", "w"),
    ] {
        assert_eq!(world.say(&format!("TASK.SCHEDULE q p UNIQUE k REPLACE{options}")), "a");
        assert_eq!(world.places()["a"], place, "{options}");
        assert_eq!(got(&mut world, "a", "to"), worker, "{options}");
    }
    world.pass(10);
    schedule(&mut world, &["d TO w"]);
    assert_eq!(world.say("TASK.SCHEDULE q p UNIQUE k REPLACE TO w"), "a");
    assert_eq!(claimable(&mut world, "w"), ["a", "b", "d", "c"], "its place stays");
}

#[test]
fn one_in_the_line_of_a_group_may_be_for_one_worker() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g TO w UNIQUE k", "c GROUP g"]);
    assert_eq!(world.say("TASK.SCHEDULE q p GROUP g UNIQUE k REPLACE TO v"), "b");
    assert_eq!(world.places()["b"], "blocked");
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.ACK q a {token}"));
    world.places();
    assert_eq!(world.claim("TASK.CLAIM q w"), None);
    assert_eq!(claimable(&mut world, "v"), ["b"]);
}

#[test]
fn the_list_has_them_behind_the_others_page_by_page() {
    let mut world = World::new();
    for n in 0..7 {
        let to = ["", " TO w", " TO v"][n % 3];
        schedule(&mut world, &[&format!("t{n} PRIORITY {}{to}", n % 2)]);
        world.pass(1);
    }
    let pages = |world: &mut World, options: &str, count: usize| {
        let (mut cursor, mut ids) = (String::from("0"), Vec::new());
        loop {
            let line = format!("TASK.LIST q ready CURSOR {cursor} COUNT {count}{options}");
            let page = world.say(&line);
            ids.extend(page.split("{id=").skip(1).map(|task| task[..2].to_string()));
            cursor = page[1..].split(',').next().unwrap().to_string();
            if cursor == "0" {
                return ids;
            }
        }
    };
    let order = ["t0", "t6", "t3", "t1", "t2", "t4", "t5"];
    let mut back = order;
    back.reverse();
    for count in 1..8 {
        assert_eq!(pages(&mut world, "", count), order, "{count}");
        assert_eq!(pages(&mut world, " REV", count), back, "{count}");
    }
    for bad in ["to:", "to:x", "to:x:y"] {
        assert!(
            world
                .say(&format!("TASK.LIST q ready CURSOR {bad}"))
                .starts_with("-BAD")
        );
    }
    assert_eq!(world.say("TASK.PURGE q ready COUNT 4"), "[0:0:, 4]");
    assert_eq!(pages(&mut world, "", 9), ["t2", "t4", "t5"]);
    assert_eq!(world.say("TASK.PURGE q ready OLDER 3"), "[0, 2]");
    world.places();
    assert_eq!(world.say("TASK.PURGE q ready"), "[0, 1]");
    assert!(world.places().is_empty());
}

#[test]
fn a_dropped_queue_has_nothing_for_anybody_and_its_successor_has() {
    let mut world = World::new();
    for n in 0..300 {
        world.say(&format!("TASK.SCHEDULE q p ID t{n} TO w{}", n % 2));
    }
    world.claim("TASK.CLAIM q w0").unwrap();
    assert_eq!(world.say("TASK.DROP q FORCE"), "300");
    assert_eq!(world.say("TASK.CLAIM q w1"), "none");
    for words in ["t1 TO w1", "t2 TO w1", "new TO w0", "t3"] {
        world.say(&format!("TASK.SCHEDULE q p ID {words}"));
        world.places();
    }
    world.tick();
    world.places();
    assert_eq!(claimable(&mut world, "w1"), ["t1", "t2", "t3"]);
    assert_eq!(claimable(&mut world, "w0"), ["new"]);
    world.say("TASK.DROP q FORCE");
    world.tick();
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}

#[test]
fn a_recurring_task_may_be_for_one_worker() {
    let mut world = World::new();
    let next = world.say("TASK.REPEAT q r p EVERY 10 TO w");
    world.pass(10);
    assert_eq!(world.claim("TASK.CLAIM q v"), None);
    assert_eq!(world.claim("TASK.CLAIM q w").unwrap().0, format!("r:{next}"));
    assert!(world.say("TASK.REPEATS q").contains("[TO, w]"));
}
