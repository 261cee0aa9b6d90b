//! Many tasks, and workers, guardians, programs and servers that are killed under them.

use std::collections::HashMap;
use std::fs;

use redis::{Pipeline, Value, cmd};
use rustix::process::{Pid, Signal, kill_process};

use super::Shop;
use crate::support::{Running, Server, Standby, lines, wait_until};

/// Writes that it has run, and its result: twice the payload.
const DOUBLE: &str = "read -r n; echo $STEWARD_ID >>ran; [ $((n % PAUSES)) = 0 ] && sleep 0.3; echo $((n * 2))";

impl Shop {
    fn add_many(&self, count: usize) {
        let mut client = self.server.client();
        // They do not kill their workers, we do, as often as it happens.
        let _: String = self.server.call("TASK.CONFIG SET q max-lost 1000");
        for first in (0..count).step_by(1_000) {
            let mut pipe = Pipeline::new();
            for number in first..count.min(first + 1_000) {
                let task = pipe.cmd("TASK.SCHEDULE").arg("q").arg(number).arg("ID").arg(number);
                task.arg("ATTEMPTS")
                    .arg(1_000)
                    .arg("BACKOFF")
                    .arg("FIXED")
                    .arg(1)
                    .arg("RETAIN")
                    .arg(36_000_000);
            }
            let _: Vec<Value> = pipe.query(&mut client).unwrap();
        }
    }

    /// Waits until so many are done, for as long as others are done meanwhile.
    #[track_caller]
    fn wait_until_done(&self, count: usize) {
        let done = || stats(&self.server, "done_tasks");
        let mut before = done();
        while before < count {
            wait_until("another is done", || {
                assert_eq!(stats(&self.server, "dead_tasks"), 0);
                done() > before
            });
            before = done();
        }
    }

    #[track_caller]
    fn check_results(&self, count: usize) {
        let mut client = self.server.client();
        for number in 0..count {
            let mut task: HashMap<String, Value> = cmd("TASK.GET").arg("q").arg(number).query(&mut client).unwrap();
            let result: String = redis::from_redis_value(task.remove("result").unwrap()).unwrap();
            assert_eq!(result, format!("{}\n", number * 2));
        }
        assert_eq!(stats(&self.server, "dead_tasks"), 0);
    }
}

/// A field of TASK.STATS.
fn stats(server: &Server, field: &str) -> usize {
    let mut stats: HashMap<String, Value> = server.call("TASK.STATS q");
    redis::from_redis_value(stats.remove(field).unwrap()).unwrap()
}

/// Programs of a worker, by their parents.
fn programs(work: &Running) -> Vec<i32> {
    let is_program = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.starts_with(b"sh\0-c")
    };
    work.left().into_iter().filter(is_program).collect()
}

/// So many tasks by `work -c 8`, while it, its guardians and their programs are killed so often: none is lost, each
/// result is right. A kill hits when its victim was busy with a task.
fn storm(count: usize, kills: usize) {
    let shop = Shop::open();
    shop.add_many(count);
    // So that there is time for all kills.
    let script = DOUBLE.replace("PAUSES", &(count / kills / 4).max(1).to_string());
    let start = || {
        let mut work = shop.work(&["q", "-c", "8", "--ttl", "2s"], &script);
        let mut output = work.take_output();
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        work
    };
    let mut work = start();
    let mut hits = [0; 3];
    let mut round = 0;
    while hits.iter().sum::<usize>() < kills {
        let before = lines(&shop.stage.file("ran")).len();
        wait_until("more have run", || {
            lines(&shop.stage.file("ran")).len() > before || stats(&shop.server, "done_tasks") == count
        });
        assert!(
            stats(&shop.server, "done_tasks") < count,
            "all were done before all kills had hit: {hits:?}"
        );
        let busy = programs(&work);
        round += 1;
        let (kind, victim) = match (round % 3, busy.first()) {
            (_, None) => continue,
            (0, Some(_)) => (0, work.pid()),
            (1, Some(_)) => (1, work.guardian()),
            (_, Some(&program)) => (2, program),
        };
        if kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).is_ok() {
            hits[kind] += 1;
        }
        if kind == 0 {
            work.wait();
            work.wait_until_nothing_is_left();
            work = start();
        }
    }
    shop.wait_until_done(count);
    let runs = lines(&shop.stage.file("ran")).len();
    println!("{count} tasks, kills of steward, guardians, programs: {hits:?}, {runs} runs");
    shop.check_results(count);
    assert!(runs > count, "some ran twice");
    work.signal(Signal::TERM);
    assert_eq!(work.wait().code(), Some(0));
}

#[test]
fn nothing_is_lost_in_a_small_storm() {
    storm(120, 9);
}

#[test]
#[ignore = "minutes: make long"]
fn nothing_is_lost_in_ten_thousand_tasks_and_a_hundred_kills() {
    storm(10_000, 102);
}

#[test]
fn nothing_is_lost_when_the_server_is_killed_under_eight_workers() {
    let mut shop = Shop::open();
    shop.add_many(60);
    let script = DOUBLE.replace("PAUSES", "1");
    let work: Vec<Running> = (0..8).map(|_| shop.work(&["q"], &script)).collect();
    for round in 1..=2 {
        wait_until("some have run", || lines(&shop.stage.file("ran")).len() >= round * 12);
        shop.server.kill();
        shop.server.start_again();
    }
    shop.wait_until_done(60);
    shop.check_results(60);
    end_all(work);
}

#[test]
fn nothing_is_lost_in_a_failover_by_sentinel_under_eight_workers() {
    let mut shop = Shop::open();
    let mut standby = Standby::of(&shop.server);
    shop.add_many(120);
    wait_until("the replica has them", || stats(&standby.server, "ready_tasks") == 120);
    let script = DOUBLE.replace("PAUSES", "1");
    let work: Vec<Running> = (0..8).map(|_| shop.work_at(&standby.url(), &["q"], &script)).collect();
    wait_until("some have run", || lines(&shop.stage.file("ran")).len() >= 24);
    standby.take_over(&mut shop.server);
    shop.wait_until_done(120);
    shop.check_results(120);
    end_all(work);
}

/// Ends idle workers.
fn end_all(work: Vec<Running>) {
    for mut work in work {
        work.signal(Signal::TERM);
        assert_eq!(work.end().0, Some(0));
    }
}
