//! kill -9 of the leader: when the next one's program runs, and that it is alone.

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, micros};

/// Kills the leader so many times, with two others in line. Returns after how many ms the next program ran, sorted.
fn kills(takeover: &str, count: usize) -> (Stage, Vec<f64>) {
    let server = Server::start();
    // A disk that others keep busy would stall it.
    let _: redis::Value = server.call("CONFIG SET appendonly no");
    let stage = Stage::new();
    let start = |name: usize| {
        stage.lead(
            &name.to_string(),
            &server.url(),
            &["--takeover", takeover],
            "exec sleep 600",
        )
    };
    let mut running: Vec<Running> = (0..3).map(start).collect();
    let mut times = Vec::new();
    for round in 1..=count {
        let leader = stage.wait_for_start(round);
        server.wait_for_members("web", 3);
        let number: usize = leader.name.parse().unwrap();
        let killed = micros();
        running[number].signal(Signal::KILL);
        let next = stage.wait_for_start(round + 1);
        times.push((next.micros.saturating_sub(killed)) as f64 / 1000.0);
        running.push(start(running.len()));
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{takeover}: {count} kills, the next program ran after {:.1} ms (median), {:.1} (p99), {:.1} (most); {} overlaps, {} stalls of the \
         server",
        times[count / 2],
        times[(count * 99).div_ceil(100) - 1],
        times[count - 1],
        stage.overlaps(),
        server.info("steward_stalls_total")
    );
    (stage, times)
}

#[test]
fn steady_never_has_two_at_once() {
    let (stage, times) = kills("steady", 3);
    assert_eq!(stage.overlaps(), 0);
    // Two clocks in whole milliseconds.
    assert!(times[0] >= 499.0, "its grace is over first: {times:?}");
}

#[test]
fn fast_takes_over_without_a_grace() {
    let (_, times) = kills("fast", 3);
    assert!(times[0] < 499.0, "{times:?}");
}

#[test]
#[ignore = "minutes: make long"]
fn two_hundred_kills_each() {
    kills("fast", 200);
    let (stage, _) = kills("steady", 200);
    assert_eq!(stage.overlaps(), 0);
}
