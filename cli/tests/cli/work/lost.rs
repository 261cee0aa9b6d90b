//! Tasks that are not ours any more, and `steward` that is killed.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Shop;
use crate::support::{Proxy, Running, lines, send, wait_until};

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

/// How long it takes until none of these runs.
#[track_caller]
fn until_gone(work: &Running, pids: &[i32]) -> Duration {
    let start = Instant::now();
    wait_until("they are gone", || work.left().iter().all(|pid| !pids.contains(pid)));
    start.elapsed()
}

#[test]
fn the_program_of_a_task_that_is_cancelled_or_taken_away_is_ended_within_a_second() {
    let shop = Shop::open();
    for (command, state) in [
        ("TASK.CANCEL q a", None),
        ("TASK.UNCLAIM q a", Some("claimed")),
        ("PID.EVICT q w", Some("claimed")),
        ("TASK.DROP q FORCE", None),
    ] {
        let _ = std::fs::remove_file(shop.stage.file("begun"));
        shop.add("a", b"");
        let work = shop.work(&["q", "--member", "w"], STUBBORN);
        let pids = shop.begun();
        let _: redis::Value = shop.server.call(command);
        let took = until_gone(&work, &pids);
        println!("{command}: {took:?}");
        // The rest is for a machine that has other things to do.
        assert!(took < Duration::from_secs(3), "{command}: {took:?}");
        if state.is_some() {
            // Here or elsewhere it is done again.
            wait_until("it runs again", || lines(&shop.stage.file("begun")).len() >= 4);
        }
        drop(work);
        let _: redis::Value = shop.server.call("TASK.DROP q FORCE");
        wait_until("it has left", || shop.server.members("q").is_empty());
    }
}

#[test]
fn a_worker_that_is_killed_leaves_nothing_and_its_task_is_done_elsewhere() {
    let shop = Shop::open();
    shop.add("a", b"");
    for victim in ["steward", "guardian"] {
        let _ = std::fs::remove_file(shop.stage.file("begun"));
        let mut work = shop.work(&["q", "--ttl", "1s"], STUBBORN);
        let pids = shop.begun();
        match victim {
            "steward" => work.signal(Signal::KILL),
            _ => send(work.guardian(), Signal::KILL),
        }
        let took = until_gone(&work, &pids);
        println!("{victim}: {took:?}");
        if victim == "steward" {
            work.wait();
            wait_until("it is lost", || shop.field::<String>("a", "state") != "claimed");
        } else {
            wait_until("it has failed", || shop.field::<Option<String>>("a", "error").is_some());
            assert!(shop.field::<String>("a", "error").starts_with("signal 9"));
        }
    }
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
