//! Random histories.

use super::{claimable, got};
use crate::task::tests::walk::Dice;
use crate::task::tests::world::World;

/// Commands, deaths, returns and restarts: while a task is targeted only its worker claims it, and none is lost.
#[test]
fn no_random_history_gives_a_task_to_another_worker_or_loses_it() {
    for seed in 0..25_u64 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        world.say("TASK.CONFIG SET q max-lost 1000 attempts 1000");
        let mut tokens: Vec<(String, i64)> = Vec::new();
        let mut made = 0;
        for _ in 0..300 {
            let worker = ["a", "b", "c"][dice.roll(3)];
            let claim = (!tokens.is_empty()).then(|| tokens[dice.roll(tokens.len())].clone());
            let id = format!("t{}", dice.roll(made + 1));
            match (dice.roll(14), claim) {
                (0..=3, _) => {
                    let to = ["", " TO a", " TO b", " TO c"][dice.roll(4)];
                    let delay = ["", "", " DELAY 9"][dice.roll(3)];
                    let priority = dice.roll(3);
                    let unique = ["", " UNIQUE k REPLACE"][usize::from(dice.roll(5) == 0)];
                    let group = ["", " GROUP g"][usize::from(dice.roll(5) == 0)];
                    world.say(&format!(
                        "TASK.SCHEDULE q p ID t{made} PRIORITY {priority}{to}{delay}{unique}{group}"
                    ));
                    made += 1;
                }
                (4..=6, _) => {
                    if let Some((id, token)) = world.claim(&format!("TASK.CLAIM q {worker} LEASE 10")) {
                        let to = got(&mut world, &id, "to");
                        assert!(to == "null" || to == worker, "seed {seed}: {id} to {to} by {worker}");
                        tokens.push((id, token));
                    }
                }
                (7, Some((id, token))) => {
                    world.say(&format!("TASK.ACK q {id} {token}"));
                }
                (8, Some((id, token))) => {
                    let how = [
                        format!("TASK.FAIL q {id} {token} DELAY {}", dice.roll(9)),
                        format!("TASK.FAIL q {id} {token} DEAD"),
                        format!("TASK.RELEASE q {id} {token}"),
                    ];
                    world.say(&how[dice.roll(3)]);
                }
                (9, _) => {
                    let how = [
                        format!("TASK.CANCEL q {id}"),
                        format!("TASK.RESCHEDULE q {id} PRIORITY {}", dice.roll(3)),
                        format!("TASK.RESCHEDULE q {id} DELAY {}", dice.roll(9)),
                        "TASK.RETRYALL q".into(),
                    ];
                    world.say(&how[dice.roll(4)]);
                }
                (10, _) => {
                    world.say(&format!("HB.BEAT q {worker} TTL 30"));
                }
                (11, _) => {
                    world.say(&format!("PID.EVICT q {worker}"));
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
        let waits: usize = ["a", "b", "c"]
            .iter()
            .map(|worker| claimable(&mut world, worker).len())
            .sum();
        world.pass(100);
        let places = world.places();
        let ready = places.values().filter(|place| **place == "ready").count();
        assert!(ready == 0 || waits > 0, "seed {seed}: {places:?}");
    }
}
