//! Fills a queue with many tasks for later; the clock of their due times.

use crate::Result;
use crate::connection::{Connection, encode};
use crate::load::{PIPELINE, drive};
use crate::recipes::PAYLOAD;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many tasks are "a million".
pub const MILLION: usize = 1_000_000;
const HOUR_MS: u64 = 3_600_000;
/// Due times of far tasks are spread over this many milliseconds.
const SPREAD_MS: usize = 100_000;

/// Schedules that many tasks, due in an hour and later.
pub fn schedule_far(clients: &mut [Connection], tasks: usize) -> Result<()> {
    let first = now_ms() as u64 + HOUR_MS;
    schedule_at(clients, tasks, |number| first + (number % SPREAD_MS) as u64)
}

/// Schedules that many tasks; `due` is given the number of the task and returns unix ms.
pub fn schedule_at(clients: &mut [Connection], tasks: usize, due: impl Fn(usize) -> u64) -> Result<()> {
    let request =
        |out: &mut Vec<u8>, number: usize| encode(out, &format!("TASK.SCHEDULE q {PAYLOAD} AT {}", due(number)));
    drive(clients, PIPELINE, tasks, request, |_| ())
}

/// Unix time in ms, with a fraction.
pub fn now_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1e3)
}

/// Sleeps until that moment, unix ms; an error when it has passed.
pub fn sleep_until(moment: f64) -> Result<()> {
    match moment - now_ms() {
        left if left >= 0.0 => sleep(Duration::from_secs_f64(left / 1e3)),
        _ => return Err("the machine was too busy to schedule all tasks in time; run it again".into()),
    }
    Ok(())
}
