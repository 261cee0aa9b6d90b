//! kill -9 of the leader: when the next one's program runs, and that it is alone.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Running, Server, Stage, micros, told};

/// Kills the leader so many times, with two others in line. Returns after how many ms the next program ran, sorted.
fn kills(takeover: &str, count: usize) -> (Stage, Vec<f64>) {
    let server = Server::start();
    // Nothing here depends on what a disk does.
    let _: redis::Value = server.call("CONFIG SET appendonly no");
    let stage = Stage::new();
    let start = |name: usize| {
        let name = name.to_string();
        let options = ["--takeover", takeover, "--member", &name];
        stage.lead(&name, &server.url(), &options, "exec sleep 600")
    };
    let mut running: Vec<Running> = (0..3).map(start).collect();
    let (mut times, mut until_down, mut from_there) = (Vec::new(), Vec::new(), Vec::new());
    let control = Control::start();
    for round in 1..=count {
        let leader = stage.wait_for_start(round);
        server.wait_for_members("web", 3);
        let number: usize = leader.name.parse().unwrap();
        let killed = micros();
        running[number].signal(Signal::KILL);
        let next = stage.wait_for_start(round + 1);
        let down = down_at(&server, &leader.name) * 1000;
        let millis = |from: u128, to: u128| to.saturating_sub(from) as f64 / 1000.0;
        times.push(millis(killed, next.micros));
        until_down.push(millis(killed, down));
        from_there.push(millis(down, next.micros));
        running.push(start(running.len()));
    }
    println!(
        "{takeover}: {count} kills, the next program ran after {}\n  until the leader counted as gone: {}\n  from then on: \
         {}\n  a shell that was to start 500 ms later did so after {}\n  {} overlaps, {} stalls of the server",
        spread(&mut times),
        spread(&mut until_down),
        spread(&mut from_there),
        spread(&mut control.end()),
        stage.overlaps(),
        server.info("steward_stalls_total")
    );
    (stage, times)
}

/// What the machine needs, as busy as it is, for a take-over without any steward: waits for 500 ms, starts a shell, and
/// again.
struct Control {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<f64>>,
}

impl Control {
    fn start() -> Control {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut times = Vec::new();
            while !ends.load(Ordering::SeqCst) {
                let asked = micros();
                std::thread::sleep(Duration::from_millis(500));
                let shell = Command::new("sh").args(["-c", "date +%s%6N"]).output().unwrap();
                times.push((told(&shell).1.parse::<u128>().unwrap() - asked) as f64 / 1000.0);
            }
            times
        });
        Control { is_over, thread }
    }

    fn end(self) -> Vec<f64> {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// When this member was counted as gone, in ms.
fn down_at(server: &Server, member: &str) -> u128 {
    let events: Vec<(String, Vec<String>)> = server.call("XREVRANGE proc:{web}:events + - COUNT 10");
    let is_it = |(_, fields): &&(String, Vec<String>)| fields[1] == "down" && fields[3] == member;
    let (id, _) = events.iter().find(is_it).unwrap();
    id.split('-').next().unwrap().parse().unwrap()
}

/// Sorts them, and tells the middle and the end.
fn spread(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let count = times.len();
    format!(
        "{:.1} ms (median), {:.1} (p99), {:.1} (most)",
        times[count / 2],
        times[(count * 99).div_ceil(100) - 1],
        times[count - 1]
    )
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
    // The last of them are those of a machine that has other things to do, as the shell shows.
    let (_, times) = kills("fast", 200);
    assert!(times[100] < 50.0);
    let (stage, times) = kills("steady", 200);
    assert!(times[100] < 600.0);
    assert_eq!(stage.overlaps(), 0);
}
