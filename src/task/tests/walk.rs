//! Unit tests of histories nobody would think of: foreign values under our keys, random walks.

use std::collections::BTreeSet;

use super::world::{World, queue};
use crate::keyspace::fake::Value;

/// Any value under any key of ours: commands answer an error that changes nothing (the world checks that), the
/// timer goes on and comes to rest.
#[test]
fn foreign_values_under_our_keys_stop_nothing() {
    let parts = [
        "",
        ":workers",
        ":scheduled",
        ":ready:5",
        ":ready:0",
        ":claimed",
        ":dead",
        ":done",
        ":t:a",
        ":x:a",
        ":t:b",
        ":x:b",
        ":blocked",
        ":group:g",
        ":targeted",
        ":to:w",
        ":to:v",
        ":after:a",
        ":expiring",
        ":unique",
        ":unique-until",
        ":repeats",
        ":repeat-due",
        ":repeat-payloads",
        ":events",
    ];
    let foreign = [
        Value::String(b"foreign".to_vec()),
        Value::List(vec![b"a".to_vec(), b"nobody".to_vec(), b"\xff\0".to_vec()]),
        Value::SortedSet([(b"a".to_vec(), 5), (b"nobody".to_vec(), 6), (b"\xff".to_vec(), 7)].into()),
        Value::Hash(
            [
                (b"ghosts:5".to_vec(), b"9".to_vec()),
                (b"drops".to_vec(), b"x 1".to_vec()),
            ]
            .into(),
        ),
    ];
    for part in parts {
        for value in &foreign {
            let mut world = World::new();
            world.say("TASK.SCHEDULE q p ID a LEASE 9");
            world.say("TASK.SCHEDULE q p ID b DELAY 30 EXPIRE 30 UNIQUE b");
            world.say("TASK.SCHEDULE q p ID c PRIORITY 0");
            world.say("TASK.SCHEDULE q p ID d PRIORITY 1 RETAIN 20");
            world.say("TASK.SCHEDULE q p ID e GROUP g PRIORITY 7");
            world.say("TASK.SCHEDULE q p ID f GROUP g EXPIRE 40");
            world.say("TASK.SCHEDULE q p ID k AFTER 2 a b");
            world.say("TASK.SCHEDULE q p ID l AFTER 1 a ONFAIL RUN");
            world.hear(9, "TASK.MRESULT q 4 a b c d BLOCK 0");
            world.say("TASK.REPEAT q r p EVERY 3 PRIORITY 0");
            world.say("TASK.SCHEDULE q p ID g TO w EXPIRE 60");
            world.say("TASK.SCHEDULE q p ID h TO v DELAY 7 UNIQUE h");
            world.say("TASK.SCHEDULE q p ID i TO v GROUP g");
            world.say("TASK.SCHEDULE q p ID j TO v PRIORITY 9");
            world.say("HB.BEAT q v");
            let (id, token) = world.claim("TASK.CLAIM q w LEASE 20").unwrap();
            let key = format!("task:{{q}}{part}");
            world.keys.keys.insert(key.into_bytes(), value.clone());
            world.state.touched(&queue("q"), crate::names::Touched::Queue);
            for line in [
                "TASK.SCHEDULE q p",
                "TASK.SCHEDULE q p ID a",
                "TASK.SCHEDULE q p DELAY 50",
                "TASK.SCHEDULE q p DELAY 50 UNIQUE b REPLACE",
                "TASK.SCHEDULE q p EXPIRE 3 UNIQUE nobody FOR 4",
                "TASK.MSCHEDULE q 2 p p EXPIRE 5",
                "TASK.CLAIM q w2 COUNT 2 FULL",
                "TASK.SCHEDULE q p GROUP g",
                "TASK.SCHEDULE q p TO w",
                "TASK.SCHEDULE q p UNIQUE h TO w REPLACE",
                "TASK.RESCHEDULE q j PRIORITY 8",
                "TASK.CLAIM q w BLOCK 0",
                "TASK.SCHEDULE q p AFTER 2 a d",
                "TASK.CANCEL q k",
                "TASK.CONFIG SET q group-limit 2",
                "TASK.LIST q blocked",
                "TASK.CANCEL q e",
                "TASK.PURGE q blocked COUNT 1",
                "TASK.STATS q",
                "TASK.GET q a",
                "TASK.WORKERS q",
                "TASK.LIST q ready PAYLOADS",
                "TASK.LIST q claimed",
                "TASK.LIST q scheduled",
                "TASK.RESCHEDULE q a DELAY 5",
                "TASK.UNCLAIM q a c",
                "TASK.EDIT q b PAYLOAD x",
                "TASK.BURY q c REASON x",
                "TASK.TRIGGER q r",
                "TASK.LIST q dead MATCH x",
                "TASK.CANCELALL q claimed MATCH none WORKER w",
                "TASK.CANCELALL q blocked ATTEMPTED",
                "TASK.CANCELALL q ready KIND k",
                "TASK.PURGE q ready MATCH b COUNT 3",
                "TASK.CANCEL q a",
                "TASK.PAUSE q FOR 5",
                "TASK.CONFIG SET q lease 50",
                "TASK.CONFIG SET q concurrency 3 rate 2/20 max-length 9",
                "TASK.CLAIM q w3 BLOCK 0",
                "TASK.SCHEDULE q p",
                "TASK.CLAIM q w4",
                "TASK.CONFIG SET q concurrency 5",
                "TASK.RETRYALL q",
                "TASK.PURGE q dead",
                "TASK.RESULT q a",
                "TASK.MRESULT q 2 b c ANY",
                "PID.EVICT q v",
                "TASK.LIST q done PAYLOADS",
                "TASK.PURGE q done",
                "TASK.QUEUES",
                "TASK.REPEAT q n p EVERY 7",
                "TASK.REPEATS q",
                "TASK.UNREPEAT q a",
            ] {
                world.say(line);
                world.tick();
            }
            world.say(&format!("TASK.EXTEND q {id} {token} PROGRESS x"));
            world.say(&format!("TASK.ACK q {id} {token} RESULT x"));
            world.say(&format!("TASK.FAIL q {id} {token} ERROR x"));
            world.pass(25);
            world.pass(5_000);
            world.say("TASK.PURGE q ready");
            world.say("TASK.DROP q FORCE");
            world.pass(1);
            world.restart();
            world.pass(5_000);
        }
    }
}

/// A random walk: any command in any order on a few ids, time in steps, restarts; after every step each task
/// is in exactly one place and the counts are exact.
#[test]
fn no_random_history_loses_a_task_or_has_it_in_two_places() {
    for seed in 0..60_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let mut tokens: Vec<(String, i64)> = Vec::new();
        let mut expected = BTreeSet::new();
        let mut leaving = BTreeSet::new();
        for _ in 0..400 {
            let id = format!("t{}", dice.roll(8));
            let priority = dice.roll(3);
            let claim = if tokens.is_empty() {
                None
            } else {
                Some(tokens[dice.roll(tokens.len())].clone())
            };
            match dice.roll(18) {
                0..=2 => {
                    let delay = ["", " DELAY 20", " DELAY 0"][dice.roll(3)];
                    let retain = ["", "", " RETAIN 40", " RETAIN 40 REPLY {q}r"][dice.roll(4)];
                    let parents = (dice.roll(8), dice.roll(8));
                    let after = [
                        String::new(),
                        String::new(),
                        format!(" AFTER 1 t{}", parents.0),
                        format!(" AFTER 2 t{} t{} MISSINGOK", parents.0, parents.1),
                        format!(" AFTER 2 t{} t{} MISSINGOK ONFAIL RUN", parents.0, parents.1),
                    ][dice.roll(5)]
                    .clone();
                    let group = ["", "", " GROUP g", " GROUP h"][dice.roll(4)];
                    let to = ["", "", " TO w0", " TO w1"][dice.roll(4)];
                    let payload = dice.roll(2);
                    let is_new = world.say(&format!("TASK.GET q {id}")) == "null";
                    let made = world.say(&format!(
                        "TASK.SCHEDULE q {payload} ID {id} PRIORITY {priority} ATTEMPTS 4{delay}{retain}{group}{after}{to}"
                    )) == id;
                    if made && is_new {
                        if after.contains("AFTER") && !after.contains("ONFAIL") {
                            // It may go with one of those.
                            leaving.insert(id.clone());
                        }
                        assert!(expected.insert(id));
                    }
                }
                3..=5 => tokens.extend(world.claim(&format!("TASK.CLAIM q w{priority} LEASE 30"))),
                6 => {
                    if world.say(&format!("TASK.CANCEL q {id}")) == "1" {
                        leaving.insert(id);
                    }
                }
                7 => {
                    world.say(&format!("TASK.RESCHEDULE q {id} PRIORITY {priority}"));
                }
                8 => {
                    world.say(&format!("TASK.RESCHEDULE q {id} DELAY {}", dice.roll(30)));
                }
                9 | 10 => {
                    if let Some((id, token)) = claim
                        && world.say(&format!("TASK.ACK q {id} {token} RESULT {token}")) == "OK"
                    {
                        if world.say(&format!("TASK.GET q {id}")) == "null" {
                            assert!(expected.remove(&id));
                        } else {
                            leaving.insert(id);
                        }
                    }
                }
                11 => {
                    if let Some((id, token)) = claim {
                        world.say(&format!("TASK.FAIL q {id} {token} DELAY {}", dice.roll(10)));
                    }
                }
                12 => {
                    if let Some((id, token)) = claim {
                        world.say(&format!("TASK.RELEASE q {id} {token}"));
                    }
                }
                13 => {
                    world.say(&format!("TASK.RETRY q {id}"));
                }
                14 => {
                    world.say(&format!("TASK.UNCLAIM q {id} t{priority}"));
                }
                15 => {
                    if world.say(&format!("TASK.BURY q {id} REASON why")) == "OK" && dice.roll(2) == 0 {
                        world.say(&format!("TASK.RETRY q {id}"));
                    }
                }
                16 => world.pass(dice.roll(25) as i64),
                _ => {
                    if dice.roll(4) == 0 {
                        world.restart();
                    }
                    world.tick();
                }
            }
            let places = world.places();
            // A cancelled task leaves when its claim ends, a retained one when its time is over, without a command.
            expected.retain(|id| places.contains_key(id) || !leaving.contains(id));
            leaving.retain(|id| places.contains_key(id));
            assert_eq!(
                places.keys().cloned().collect::<Vec<_>>(),
                expected.iter().cloned().collect::<Vec<_>>(),
                "seed {seed}"
            );
            let stats = world.say("TASK.STATS q");
            for word in ["scheduled", "ready", "blocked", "claimed", "done", "dead"] {
                let count = places.values().filter(|place| **place == word).count();
                assert!(
                    stats.contains(&format!("{word}_tasks={count} ")),
                    "seed {seed} {word} {count} {stats}"
                );
            }
        }
    }
}

/// Pseudo-random numbers, the same in every run.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}
