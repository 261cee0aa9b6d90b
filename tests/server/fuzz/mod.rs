//! Hostile calls of every command, made from what the server itself says of its arguments. After each burst the server
//! is alive and has logged nothing bad, every index fits the tasks, and a replica and the append-only file have the same
//! data.
//!
//! `make fuzz SECONDS=n` does it with AddressSanitizer, and for longer.

mod grammar;
mod session;
mod values;

use std::time::{Duration, Instant};

use self::session::Session;
use crate::support::{Random, unix_ms};

#[test]
fn hostile_calls_break_nothing() {
    run(Duration::from_secs(4), 20_261_128);
}

/// `make fuzz`: from `STEWARD_SEED`, by default another one each time.
#[test]
#[ignore = "takes as long as it is told to: make fuzz"]
fn for_a_long_time() {
    let seconds = std::env::var("STEWARD_SECONDS").ok().and_then(|text| text.parse().ok());
    run(Duration::from_secs(seconds.unwrap_or(60)), unix_ms().unsigned_abs());
}

fn run(time: Duration, seed: u64) {
    let mut random = Random::new(seed);
    let mut session = Session::start();
    let start = Instant::now();
    let mut bursts = 0;
    while start.elapsed() < time {
        session.burst(&mut random, 1_000);
        session.check();
        bursts += 1;
        // A replica takes a second to come back.
        if bursts % 4 == 0 {
            session.restart();
        }
    }
    session.end();
    println!("{bursts} bursts, {}", session.counts());
    assert!(session.was_worth_it(), "{}", session.counts());
}
