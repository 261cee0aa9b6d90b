//! Another client beside the measured work: how long the server makes it wait.

use crate::Result;
use crate::connection::Connection;
use crate::far::now_ms;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

/// When each of the prober's commands was sent and answered, unix ms.
pub struct Waits(Vec<(f64, f64)>);

impl Waits {
    /// The longest wait in ms of those that touch this span of time, unix ms.
    pub fn longest(&self, from: f64, to: f64) -> f64 {
        let during = self.0.iter().filter(|(start, end)| *end >= from && *start <= to);
        during.map(|(start, end)| end - start).fold(0.0, f64::max)
    }
}

/// Does this work while the connection sends a SET or a GET every millisecond; what the work returns, and the waits.
pub fn during<T>(connection: Connection, work: impl FnOnce() -> Result<T>) -> Result<(T, Waits)> {
    let stop = AtomicBool::new(false);
    let (done, waits) = scope(|threads| {
        let prober = threads.spawn(|| probe(connection, &stop));
        let done = work();
        stop.store(true, Ordering::Relaxed);
        (done, prober.join())
    });
    Ok((done?, Waits(waits.map_err(|_| "the prober failed")??)))
}

fn probe(mut connection: Connection, stop: &AtomicBool) -> Result<Vec<(f64, f64)>> {
    let mut waits = Vec::new();
    for command in ["SET probe x", "GET probe"].iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let start = now_ms();
        connection.command(command)?;
        waits.push((start, now_ms()));
        sleep(Duration::from_millis(1));
    }
    Ok(waits)
}
