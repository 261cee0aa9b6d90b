//! Tasks that are not ours any more, and `steward` that is killed.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Shop;
use crate::support::{Blow, HIDING, Proxy, lines, wait_until};

/// Says which processes it consists of, and does not end by TERM.
const STUBBORN: &str =
    "trap '' TERM; (setsid sleep 600 & echo $! >>begun); echo $$ >>begun; while :; do sleep 0.01; done";

impl Shop {
    fn begun(&self) -> Vec<i32> {
        wait_until("it has begun", || lines(&self.stage.file("begun")).len() >= 2);
        lines(&self.stage.file("begun"))
            .iter()
            .map(|line| line.parse().unwrap())
            .collect()
    }
}

/// What takes a running task away from its worker, and whether it is then done again.
const LOSSES: [(&str, bool); 4] = [
    ("TASK.CANCEL q a", false),
    ("TASK.UNCLAIM q a", true),
    ("PID.EVICT q w", true),
    ("TASK.DROP q FORCE", false),
];

/// Takes a running task away. Returns how long it took until its program and all descendants had ended.
fn lose(shop: &Shop, command: &str, is_done_again: bool) -> Duration {
    for name in ["begun", "open"] {
        let _ = std::fs::remove_file(shop.stage.file(name));
    }
    // A pipe that only they have open: the kernel tells of the end of the last one in the moment it happens.
    let pipe = shop.stage.file("open");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    shop.add("a", b"");
    let work = shop.work(
        &["q", "--member", "w"],
        &format!("[ -e begun ] || exec 9>open; {STUBBORN}"),
    );
    let mut open = File::open(&pipe).unwrap();
    shop.begun();
    let _: redis::Value = shop.server.call(command);
    let start = Instant::now();
    assert_eq!(open.read(&mut [0]).unwrap(), 0);
    let took = start.elapsed();
    if is_done_again {
        wait_until("it runs again", || lines(&shop.stage.file("begun")).len() >= 4);
    }
    drop(work);
    for rest in ["TASK.DROP q FORCE", "PID.EVICT q w"] {
        let _: redis::Value = shop.server.call(rest);
    }
    took
}

#[test]
fn the_program_of_a_task_that_is_cancelled_or_taken_away_is_ended_within_a_second() {
    let shop = Shop::open();
    for (command, is_done_again) in LOSSES {
        // What takes longer because the machine has other things to do does not do so each time.
        let times = std::iter::repeat_with(|| lose(&shop, command, is_done_again)).take(5);
        let mut times = times.inspect(|took| println!("{command}: {took:?}"));
        assert!(times.any(|took| took < Duration::from_secs(1)), "{command}");
    }
}

#[test]
#[ignore = "minutes: make long"]
fn of_losing_a_task_twenty_times_each() {
    let shop = Shop::open();
    for (command, is_done_again) in LOSSES {
        let mut times: Vec<Duration> = (0..20).map(|_| lose(&shop, command, is_done_again)).collect();
        times.sort();
        println!(
            "{command}: 20 times, its program had ended after {:?} at most, median {:?}",
            times[19], times[10]
        );
        assert!(times[10] < Duration::from_secs(1));
    }
}

/// Deals the blow to a worker with a program that hides its children, so many times.
fn rounds(blow: Blow, count: usize) {
    let mut times = Vec::new();
    for _ in 0..count {
        let shop = Shop::open();
        shop.add_with("a", b"", &["BACKOFF", "FIXED", "3600000"]);
        let mut work = shop.work(&["q", "--ttl", blow.ttl(), "--member", "w"], HIDING);
        wait_until("it has begun", || shop.stage.file("ready").exists());
        times.push(blow.deal(&work, || shop.server.call("TASK.CANCEL q a")));
        match blow {
            Blow::KillSteward => {
                work.wait();
                wait_until("it is free", || shop.field::<String>("a", "state") == "ready");
                continue;
            }
            Blow::KillGuardian => {
                wait_until("it has failed", || shop.field::<Option<String>>("a", "error").is_some());
                assert!(shop.field::<String>("a", "error").starts_with("signal 9"));
            }
            Blow::StopSteward => {
                wait_until("it is free", || shop.field::<String>("a", "state") == "ready");
                // It goes on as another member, and does the task again.
                std::fs::remove_file(shop.stage.file("ready")).unwrap();
                work.signal(Signal::CONT);
                wait_until("it runs again", || shop.stage.file("ready").exists());
                let _: redis::Value = shop.server.call("TASK.CANCEL q a");
            }
            Blow::StopGuardian => {}
        }
        wait_until("only steward is left", || work.left() == [work.pid()]);
        work.signal(Signal::TERM);
        assert_eq!(work.wait().code(), Some(0), "{blow:?}");
    }
    blow.report("work", times);
}

#[test]
fn nothing_is_left_of_a_program_when_a_worker_or_its_guardian_is_killed_or_stopped() {
    Blow::ALL.into_iter().for_each(|blow| rounds(blow, 2));
}

#[test]
#[ignore = "minutes: make long"]
fn fifty_times_each() {
    Blow::ALL.into_iter().for_each(|blow| rounds(blow, 50));
}

#[test]
fn the_task_of_a_worker_that_is_killed_is_free_after_its_grace_and_not_only_after_its_ttl() {
    let shop = Shop::open();
    shop.add("a", b"");
    let first = shop.work(&["q", "--ttl", "1h"], STUBBORN);
    shop.begun();
    let _next = shop.work(&["q", "--ttl", "1h"], "cat");
    shop.server.wait_for_members("q", 2);
    first.signal(Signal::KILL);
    let start = Instant::now();
    shop.wait_for("a", "done");
    let took = start.elapsed();
    println!("another worker has done the task after {took:?}");
    assert!(took >= Duration::from_millis(4_999));
}

#[test]
fn in_a_cut_network_the_program_is_gone_before_the_task_is_done_elsewhere() {
    let shop = Shop::open();
    shop.add("a", b"");
    let proxy = Proxy::to(shop.server.port);
    let mut cut = shop.work_at(&proxy.url(), &["q", "--ttl", "1s"], STUBBORN);
    let pids = shop.begun();
    proxy.cut();
    wait_until("it is lost", || shop.field::<String>("a", "state") != "claimed");
    assert!(cut.left().iter().all(|pid| !pids.contains(pid)));
    cut.signal(Signal::TERM);
    proxy.mend();
    cut.wait();
}

#[test]
fn one_that_is_stopped_has_its_program_ended_in_time() {
    let shop = Shop::open();
    shop.add("a", b"");
    let work = shop.work(&["q", "--ttl", "1s"], STUBBORN);
    let pids = shop.begun();
    work.signal(Signal::STOP);
    wait_until("it is lost", || shop.field::<String>("a", "state") != "claimed");
    assert!(work.left().iter().all(|pid| !pids.contains(pid)));
}
