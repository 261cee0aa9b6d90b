//! Unit tests of GROUP.

use std::collections::BTreeMap;

use crate::keyspace::fake::Value;
use crate::task::tests::walk::Dice;
use crate::task::tests::world::{World, got, queue};

/// The ids that can be claimed now, in order.
fn claimable(world: &mut World) -> Vec<String> {
    std::iter::from_fn(|| world.claim("TASK.CLAIM q w").map(|(id, _)| id)).collect()
}

fn schedule(world: &mut World, words: &[&str]) {
    for words in words {
        world.say(&format!("TASK.SCHEDULE q p ID {words}"));
    }
    world.places();
}

#[test]
fn a_group_runs_one_at_a_time_in_order_and_others_overtake() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["a GROUP g", "b GROUP g", "c", "d GROUP h", "e GROUP g PRIORITY 0"],
    );
    assert_eq!(world.places()["b"], "blocked");
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(id, "a");
    assert_eq!(claimable(&mut world), ["c", "d"]);
    world.say(&format!("TASK.ACK q a {token}"));
    world.places();
    let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(
        (id.as_str(), claimable(&mut world)),
        ("b", vec![]),
        "priority does not reorder a group"
    );
    assert!(world.say("TASK.STATS q").contains("claimed_tasks=3 blocked_tasks=1 "));
    world.say(&format!("TASK.ACK q b {token}"));
    assert_eq!(claimable(&mut world), ["e"]);
    world.places();
}

#[test]
fn a_turn_lasts_until_the_end_however_the_task_gets_there() {
    for how in ["FAIL", "RELEASE", "RELEASE DELAY", "LOSE", "RESCHEDULE", "RESTART"] {
        let mut world = World::new();
        schedule(&mut world, &["a GROUP g ATTEMPTS 9 BACKOFF FIXED 20", "b GROUP g"]);
        let (_, token) = world.claim("TASK.CLAIM q w LEASE 30").unwrap();
        match how {
            "FAIL" => world.say(&format!("TASK.FAIL q a {token}")),
            "RELEASE" => world.say(&format!("TASK.RELEASE q a {token}")),
            "RELEASE DELAY" => world.say(&format!("TASK.RELEASE q a {token} DELAY 20")),
            "RESCHEDULE" => {
                world.say(&format!("TASK.RELEASE q a {token}"));
                world.say("TASK.RESCHEDULE q a DELAY 20")
            }
            "RESTART" => {
                world.restart();
                world.tick();
                String::new()
            }
            _ => String::new(),
        };
        world.places();
        assert_eq!(world.places()["b"], "blocked", "{how}");
        world.pass(30);
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(id, "a", "{how}");
        world.say(&format!("TASK.ACK q a {token}"));
        assert_eq!(claimable(&mut world), ["b"], "{how}");
        world.places();
    }
}

#[test]
fn with_hold_run_others_go_on_while_one_waits_and_it_comes_next() {
    for how in ["FAIL", "RELEASE DELAY", "RESCHEDULE"] {
        let mut world = World::new();
        world.say("TASK.CONFIG SET q group-hold run");
        schedule(
            &mut world,
            &[
                "a GROUP g ATTEMPTS 9 BACKOFF FIXED 20",
                "b GROUP g",
                "c GROUP g",
                "d GROUP g",
            ],
        );
        let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
        match how {
            "FAIL" => world.say(&format!("TASK.FAIL q a {token}")),
            "RELEASE DELAY" => world.say(&format!("TASK.RELEASE q a {token} DELAY 20")),
            _ => {
                world.say(&format!("TASK.RELEASE q a {token}"));
                world.say("TASK.RESCHEDULE q a DELAY 20")
            }
        };
        assert_eq!(world.places()["a"], "scheduled", "{how}");
        let (id, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!((id.as_str(), claimable(&mut world)), ("b", vec![]), "{how}");
        world.pass(20);
        assert_eq!(world.places()["a"], "blocked", "{how}");
        schedule(&mut world, &["e GROUP g"]);
        world.say(&format!("TASK.ACK q b {token}"));
        for id in ["a", "c", "d", "e"] {
            let (next, token) = world.claim("TASK.CLAIM q w").unwrap();
            assert_eq!((next.as_str(), claimable(&mut world)), (id, vec![]), "{how}");
            world.say(&format!("TASK.ACK q {id} {token}"));
            world.places();
        }
        assert!(!world.keys.keys.contains_key(&queue("q").group("g").to_vec()), "{how}");
    }
}

#[test]
fn those_that_let_others_in_come_back_in_the_order_in_which_they_are_due() {
    let mut world = World::new();
    world.say("TASK.CONFIG SET q group-hold run");
    schedule(&mut world, &["a GROUP g", "b GROUP g", "c GROUP g", "d GROUP g"]);
    for (id, delay) in [("a", 30), ("b", 20), ("c", 0)] {
        let (next, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(next, id);
        world.say(&format!("TASK.FAIL q {id} {token} DELAY {delay}"));
        world.places();
    }
    // One that is due at once has not waited, and keeps its turn.
    let (next, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(next, "c");
    world.pass(40);
    world.restart();
    world.say(&format!("TASK.ACK q c {token}"));
    for id in ["b", "a", "d"] {
        let (next, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(next, id);
        world.say(&format!("TASK.ACK q {id} {token}"));
        world.places();
    }
}

#[test]
fn the_hold_decides_when_a_task_begins_to_wait() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DELAY 20"));
    world.say("TASK.CONFIG SET q group-hold run");
    world.pass(10);
    assert_eq!(world.places()["b"], "blocked");
    world.pass(10);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DELAY 20"));
    world.say("TASK.CONFIG SET q group-hold end");
    assert_eq!(claimable(&mut world), ["b"]);
    world.pass(20);
    assert_eq!(world.places()["a"], "blocked");
    // What waits may end while it does: the line goes on.
    for end in ["TASK.CANCEL q a", "TASK.DROP q FORCE"] {
        assert!(!world.say(end).starts_with('-'));
        world.pass(10);
        world.places();
    }
}

#[test]
fn every_end_gives_the_turn_to_the_next() {
    for how in [
        "ACK",
        "RETAIN",
        "FAIL DEAD",
        "CANCEL",
        "CANCEL CLAIMED",
        "PURGE",
        "EXPIRE",
        "TOO OFTEN LOST",
    ] {
        let mut world = World::new();
        world.say("TASK.CONFIG SET q max-lost 0");
        schedule(&mut world, &["a GROUP g EXPIRE 500", "b GROUP g"]);
        let line = match how {
            "CANCEL" => "TASK.CANCEL q a".into(),
            "PURGE" => "TASK.PURGE q ready".into(),
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
                    "FAIL DEAD" => format!("TASK.FAIL q a {token} DEAD"),
                    "CANCEL CLAIMED" => {
                        world.say("TASK.CANCEL q a");
                        assert_eq!(world.places()["b"], "blocked", "a claim that goes on keeps its turn");
                        format!("TASK.RELEASE q a {token}")
                    }
                    _ => {
                        world.pass(30);
                        "TASK.STATS q".into()
                    }
                }
            }
        };
        world.say(&line);
        assert_eq!(world.places()["b"], "ready", "{how}");
        assert_eq!(claimable(&mut world), ["b"], "{how}");
    }
}

#[test]
fn a_task_comes_into_the_line_when_it_is_due() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "late GROUP g DELAY 50 PRIORITY 0",
            "b GROUP g DELAY 20",
            "a GROUP g DELAY 10",
        ],
    );
    schedule(&mut world, &["now GROUP g"]);
    world.pass(60);
    assert_eq!(
        world.places().values().copied().collect::<Vec<_>>(),
        ["blocked", "blocked", "blocked", "ready"]
    );
    for id in ["now", "a", "b", "late"] {
        let (claimed, token) = world.claim("TASK.CLAIM q w").unwrap();
        assert_eq!(claimed, id);
        world.say(&format!("TASK.ACK q {id} {token}"));
        world.places();
    }
}

#[test]
fn due_together_they_come_in_the_order_of_their_moments_whatever_their_priorities() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["b GROUP g DELAY 20 PRIORITY 1", "a GROUP g DELAY 10 PRIORITY 9"],
    );
    world.pass(30);
    assert_eq!(claimable(&mut world), ["a"]);
}

#[test]
fn the_time_to_be_claimed_in_begins_with_the_turn() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g EXPIRE 40"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.pass(100);
    assert_eq!(got(&mut world, "b", "expires_at"), "null");
    assert_eq!(world.places()["b"], "blocked");
    world.say(&format!("TASK.ACK q a {token}"));
    assert!(
        world.say("TASK.STATS q").contains("oldest_ready_ms=0 "),
        "it was not ready before"
    );
    world.pass(39);
    assert_eq!(world.places()["b"], "ready");
    world.pass(1);
    assert!(world.places().is_empty());
}

#[test]
fn who_waits_gets_the_next_of_the_group_in_the_same_step() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g", "c GROUP g"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.hear(2, "TASK.CLAIM q w2 BLOCK 0"), "(waits)");
    world.say(&format!("TASK.ACK q a {token}"));
    assert_eq!(world.answered.len(), 1);
    assert_eq!(world.answered[0].granted[0].task(), b"b");
    let token = got(&mut world, "b", "deliveries");
    assert_eq!(token, "1");
    // ACK NEXT claims the task that gets its turn through that very ACK.
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    assert!(world.say(&format!("TASK.ACK q a {token} NEXT")).contains("id=b "));
    world.places();
}

#[test]
fn a_raised_limit_lets_more_run_and_a_lowered_one_lets_them_end() {
    let mut world = World::new();
    let words: Vec<String> = (0..300).map(|n| format!("t{n:03} GROUP g{}", n % 3)).collect();
    schedule(&mut world, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(claimable(&mut world), ["t000", "t001", "t002"]);
    world.say("TASK.CONFIG SET q group-limit 3");
    world.tick();
    world.places();
    assert_eq!(claimable(&mut world).len(), 6);
    world.say("TASK.CONFIG SET q group-limit 1");
    world.tick();
    assert_eq!(claimable(&mut world), Vec::<String>::new());
    assert!(world.say("TASK.CONFIG GET q group-limit").contains("group-limit=1"));
    assert_eq!(
        world.say("TASK.CONFIG SET q group-limit 0"),
        "-BADARG group-limit must be an integer from 1 to 100"
    );
}

#[test]
fn many_of_a_group_scheduled_at_once_keep_their_order() {
    let mut world = World::new();
    let ids = world.say("TASK.MSCHEDULE q 3 x y z GROUP g");
    world.places();
    let ids: Vec<&str> = ids.trim_matches(['[', ']']).split(", ").collect();
    for id in ids {
        let (claimed, token) = world.claim("TASK.CLAIM q w FULL").unwrap();
        assert_eq!(claimed, id);
        assert_eq!(got(&mut world, id, "group"), "g");
        world.say(&format!("TASK.ACK q {id} {token}"));
    }
    assert!(world.places().is_empty());
}

#[test]
fn a_retried_task_gets_in_line_again() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q a {token} DEAD"));
    world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.RETRY q a"), "1");
    assert_eq!(world.places()["a"], "blocked");
    assert_eq!(world.say("TASK.CANCEL q a"), "1");
    world.places();
}

#[test]
fn a_group_that_is_dropped_does_not_hold_up_its_successor() {
    let mut world = World::new();
    let words: Vec<String> = (0..400).map(|n| format!("t{n} GROUP g")).collect();
    schedule(&mut world, &words.iter().map(String::as_str).collect::<Vec<_>>());
    world.claim("TASK.CLAIM q w").unwrap();
    assert_eq!(world.say("TASK.DROP q FORCE"), "400");
    schedule_unchecked(&mut world, &["t0 GROUP g", "t1 GROUP g", "new GROUP g"]);
    world.tick();
    assert_eq!(claimable(&mut world), ["t0"]);
    assert_eq!(world.places().len(), 3);
    world.say("TASK.DROP q FORCE");
    world.tick();
    assert!(world.keys.keys.is_empty(), "{:?}", world.keys.keys.keys());
}

fn schedule_unchecked(world: &mut World, words: &[&str]) {
    for words in words {
        world.say(&format!("TASK.SCHEDULE q p ID {words}"));
    }
}

#[test]
fn a_replaced_task_changes_its_group_or_keeps_its_place_in_the_line() {
    let mut world = World::new();
    schedule(
        &mut world,
        &["a GROUP g", "b GROUP g UNIQUE k", "c GROUP g", "d GROUP h"],
    );
    // In line, the same group: its place stays.
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE GROUP g"), "b");
    assert_eq!(world.places()["b"], "blocked");
    assert_eq!(got(&mut world, "b", "payload"), "new");
    // Another group, then none.
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE GROUP h"), "b");
    assert_eq!(world.places()["b"], "blocked");
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE GROUP i"), "b");
    assert_eq!(world.places()["b"], "ready");
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE GROUP g"), "b");
    assert_eq!(world.places()["b"], "blocked");
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE GROUP g DELAY 5"), "b");
    assert_eq!(world.places()["b"], "scheduled");
    world.pass(5);
    assert_eq!(world.places()["b"], "blocked", "behind c");
    assert_eq!(world.say("TASK.SCHEDULE q new UNIQUE k REPLACE"), "b");
    assert_eq!(world.places()["b"], "ready");
}

#[test]
fn a_group_that_somebody_edited_goes_on() {
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g", "c GROUP g"]);
    // The record of the task that has the turn is deleted: the next one to come notices.
    world.keys.keys.remove(&queue("q").task(b"a").to_vec());
    world.say("TASK.SCHEDULE q p ID d GROUP g");
    assert_eq!(claimable(&mut world), ["b"]);
    // The whole line is deleted: it is rebuilt.
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g", "c GROUP g"]);
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.keys.keys.remove(&queue("q").group("g").to_vec());
    world.say(&format!("TASK.ACK q a {token}"));
    world.state.touched(&queue("q"), crate::names::Touched::Queue);
    world.tick();
    assert_eq!(claimable(&mut world), ["b"]);
    world.places();
    // The same if no task comes and only a record is deleted.
    let mut world = World::new();
    schedule(&mut world, &["a GROUP g", "b GROUP g"]);
    world.keys.keys.remove(&queue("q").task(b"a").to_vec());
    world.state.touched(&queue("q"), crate::names::Touched::Task);
    world.tick();
    assert_eq!(claimable(&mut world), ["b"]);
}

#[test]
fn a_group_whose_key_is_no_sorted_set_holds_up_only_its_own() {
    let mut world = World::new();
    schedule(
        &mut world,
        &[
            "a GROUP bad DELAY 5",
            "b GROUP good DELAY 6",
            "c DELAY 7",
            "d GROUP bad ATTEMPTS 1",
        ],
    );
    let (_, token) = world.claim("TASK.CLAIM q w").unwrap();
    world.say(&format!("TASK.FAIL q d {token}"));
    let key = queue("q").group("bad").to_vec();
    world.keys.keys.insert(key.clone(), Value::String(b"x".to_vec()));
    world.pass(10);
    assert_eq!(claimable(&mut world), ["b", "c"]);
    assert_eq!(world.say("TASK.RETRY q d"), "0");
    assert!(world.say("TASK.SCHEDULE q p GROUP bad").starts_with("-WRONGTYPE"));
    world.keys.keys.remove(&key);
    world.pass(1_000);
    assert_eq!(claimable(&mut world), ["a"]);
    assert_eq!(world.say("TASK.RETRY q d"), "1");
    world.places();
}

/// Groups of several limits under every command, crashes and lost leases: the world checks the groups after every step,
/// and each group is claimed in the order in which its tasks came.
#[test]
fn the_order_of_a_group_survives_every_random_history() {
    for seed in 0..20_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        world.say("TASK.CONFIG SET q max-lost 1000 attempts 1000");
        let ordered = seed < 15;
        if !ordered {
            world.say("TASK.CONFIG SET q group-hold run");
        }
        let mut tokens: Vec<(String, i64)> = Vec::new();
        let mut last: BTreeMap<char, u32> = BTreeMap::new();
        let mut made = 0;
        for _ in 0..300 {
            let claim = (!tokens.is_empty()).then(|| tokens[dice.roll(tokens.len())].clone());
            match (dice.roll(9), claim) {
                (0..=2, _) => {
                    made += 1;
                    let group = ["a", "b", "c"][dice.roll(3)];
                    let priority = dice.roll(10);
                    world.say(&format!(
                        "TASK.SCHEDULE q p ID {group}{made:04} GROUP {group} PRIORITY {priority}"
                    ));
                }
                (3 | 4, _) => {
                    if let Some((id, token)) = world.claim("TASK.CLAIM q w LEASE 10") {
                        let (group, number) = (id.chars().next().unwrap(), id[1..].parse().unwrap());
                        let before = last.insert(group, number).unwrap_or(0);
                        assert!(!ordered || before <= number, "seed {seed}: {id} after {group}{before}");
                        tokens.push((id, token));
                    }
                }
                (5, Some((id, token))) => {
                    world.say(&format!("TASK.ACK q {id} {token}"));
                }
                (6, Some((id, token))) => {
                    world.say(&format!("TASK.FAIL q {id} {token} DELAY {}", dice.roll(9)));
                }
                (7, Some((id, token))) => {
                    let how = [format!("TASK.RELEASE q {id} {token}"), format!("TASK.CANCEL q {id}")];
                    world.say(&how[dice.roll(2)]);
                }
                _ => {
                    if dice.roll(5) == 0 {
                        world.restart();
                    }
                    world.pass(dice.roll(12) as i64);
                }
            }
            world.places();
        }
    }
}
