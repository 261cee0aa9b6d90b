//! What `steward` costs: processor time to start, memory while it waits. Those of a release are to be within bounds.

use std::fs;

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, in_shell, steward, told};

/// The user and system time in what `times` prints of children, in ms.
fn millis(times: &str) -> f64 {
    let part = |text: &str| {
        let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60_000.0 + seconds.parse::<f64>().unwrap() * 1000.0
    };
    times.lines().last().unwrap().split(' ').map(part).sum()
}

/// The user and system time of a process so far, in ms.
fn cpu(pid: i32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = |thread: fs::DirEntry| -> f64 {
        let stat = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    };
    threads.map(|thread| nanos(thread.unwrap())).sum::<f64>() / 1e6
}

#[track_caller]
fn check_start(what: &str, millis: f64) {
    println!("{what}: {millis:.1} ms of user and system time to start");
    assert!(cfg!(debug_assertions) || millis < 10.0);
}

#[track_caller]
fn check_memory(what: &str, pid: i32) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    println!("{what}: {}", memory.trim());
    let kilobytes: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(cfg!(debug_assertions) || kilobytes < 10 << 10);
}

#[test]
#[ignore = "minutes: make long"]
fn of_a_start_and_of_waiting() {
    let (server, stage) = (Server::start(), Stage::new());
    for command in ["steward leader web", "steward lead web -- /bin/true"] {
        let script = format!("for n in $(seq 20); do {command} 2>/dev/null; done; times");
        let (_, out, _) = told(&in_shell(&script, &server, &stage).output().unwrap());
        check_start(command, millis(&out) / 20.0);
    }
    let work = |words: &[&str]| {
        let words = [&["work", "q", "--member", "w"], words].concat();
        let work = Running::start(steward(&words).env("REDIS_URL", server.url()));
        server.wait_for_members("q", 1);
        work
    };
    let start = |_| {
        let mut work = work(&["--", "cat"]);
        let cpu = cpu(work.pid());
        work.signal(Signal::TERM);
        work.wait();
        cpu
    };
    check_start("steward work q", (0..20).map(start).sum::<f64>() / 20.0);

    let lead = stage.lead("a", &server.url(), &[], "exec sleep 600");
    let program = stage.wait_for_start(1).pid;
    for pid in lead.left().into_iter().filter(|&pid| pid != program) {
        let who = if pid == lead.pid() { "lead" } else { "its guardian" };
        check_memory(who, pid);
    }
    let idle = work(&["-c", "8", "--", "cat"]);
    server.wait_for_members("q", 1);
    check_memory("work, idle", idle.pid());
}
