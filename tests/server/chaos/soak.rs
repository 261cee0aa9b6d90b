//! One round: lives of a primary, each ended by a fault, and then all work is done.

use std::time::{Duration, Instant};

use super::actor::Crew;
use super::checker::Checker;
use super::fault::{Fault, World, there};
use super::settle::Promise;
use crate::support::{Client, Random, Value};

/// The period of the recurring task, ms.
pub(super) const EVERY: i64 = 40;

const QUEUES: [&str; 3] = ["q", "r", "{q}replies"];

const WORKERS: [&str; 6] = ["w0", "w1", "w2", "nobody0", "nobody1", "nobody2"];

/// A round with a fault and a seed.
#[track_caller]
pub(super) fn round(fault: Fault, seed: u64) {
    println!("{fault:?}, seed {seed}");
    let mut random = Random::of(seed);
    let mut world = World::start(fault);
    let mut checker = Checker::default();
    let mut client = world.client();
    for queue in QUEUES {
        client.must(&format!("TASK.CONFIG SET {queue} attempts 46655 max-lost 1000"));
    }
    client.must(&format!("TASK.REPEAT q tick tock EVERY {EVERY} MISFIRE ALL"));
    client.must(&format!("WAIT {} 5000", world.replicas()));
    let mut crew = Crew::new(&world, &mut random);
    for _ in 0..3 {
        crew.run(&world, &mut checker, 500 + random.below(1_500));
        if fault == Fault::KillEverysec {
            // What was answered until now is on the disk, and what comes is not yet.
            std::thread::sleep(Duration::from_millis(2_600));
            crew.run(&world, &mut checker, random.below(500));
        }
        let promise = world.strike(|| crew.hang_up(&mut checker));
        checker.settle(promise, &there(&mut world.client(), &QUEUES));
        checker.check();
        world.repair();
        crew.reconnect(&world);
    }
    let mut client = world.client();
    client.must("TASK.UNREPEAT q tick");
    crew.hang_up(&mut checker);
    let start = Instant::now();
    while work(&mut client, &mut checker) {
        let left = QUEUES.map(|queue| client.counts(queue));
        assert!(start.elapsed() < Duration::from_secs(30), "work is left: {left:?}");
    }
    checker.settle(Promise::All, &there(&mut client, &QUEUES));
    checker.finish();
    checker.check();
    let (ended, epochs) = checker.counts();
    println!("{ended} tasks acknowledged, {epochs} epochs");
    assert!(ended > 300 && epochs > 5, "enough happened");
}

/// Does what there is to do; false when nothing waits any more.
fn work(client: &mut Client, checker: &mut Checker) -> bool {
    let mut call = |words: String| {
        let call = checker.send(usize::MAX, &words);
        let reply = client.must(&words);
        checker.receive(call, &reply);
        reply
    };
    for queue in QUEUES {
        for worker in WORKERS {
            let reply = call(format!("TASK.CLAIM {queue} {worker} COUNT 100"));
            let Value::Array(tasks) = reply else { continue };
            let pair = |task: &Value| format!(" {} {}", task.field("id").text(), task.field("token").int());
            let pairs: String = tasks.iter().map(pair).collect();
            call(format!("TASK.MACK {queue} {}{pairs}", tasks.len()));
        }
    }
    QUEUES.iter().any(|queue| {
        let counts = client.counts(queue);
        ["scheduled", "ready", "claimed", "blocked"]
            .iter()
            .any(|state| counts.contains(state))
    })
}

impl Checker {
    /// How many tasks were acknowledged, and in how many epochs somebody led.
    fn counts(&self) -> (usize, usize) {
        let ended = self.tasks.values().filter(|task| task.ended.is_some());
        (ended.count(), self.leaders.epochs())
    }

    /// Fails the test when something is not as promised.
    #[track_caller]
    fn check(&self) {
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "{} violations, the first:\n{}",
            violations.len(),
            violations[..violations.len().min(3)].join("\n\n")
        );
    }
}
