//! What `steward` costs: processor time to start, memory while it waits.

use crate::support::{Server, Stage, in_shell, told};

/// The user and system time in what `times` prints of children, in ms.
fn millis(times: &str) -> f64 {
    let part = |text: &str| {
        let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60_000.0 + seconds.parse::<f64>().unwrap() * 1000.0
    };
    times.lines().last().unwrap().split(' ').map(part).sum()
}

#[test]
#[ignore = "minutes: make long"]
fn of_a_start_and_of_waiting() {
    let (server, stage) = (Server::start(), Stage::new());
    for command in ["steward leader web", "steward lead web -- /bin/true"] {
        let script = format!("for n in $(seq 20); do {command} 2>/dev/null; done; times");
        let (_, out, _) = told(&in_shell(&script, &server, &stage).output().unwrap());
        println!("{command}: {:.1} ms of user and system time", millis(&out) / 20.0);
    }
    let lead = stage.lead("a", &server.url(), &[], "exec sleep 600");
    let program = stage.wait_for_start(1).pid;
    for pid in lead.left().into_iter().filter(|&pid| pid != program) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let memory = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let who = if pid == lead.pid() { "steward" } else { "the guardian" };
        println!("{who} while the program runs: {memory}");
    }
}
