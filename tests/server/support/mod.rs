//! What the tests stand on: a server of their own, connections, and the replication stream made readable.

pub mod builder;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod crew;
pub mod document;
pub mod folder;
mod harness;
pub mod history;
pub mod member;
pub mod places;
pub mod process;
pub mod random;
pub mod record;
pub mod rig;
pub mod server;
pub mod service;
pub mod session;
pub mod stream;
pub mod task;
pub mod value;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use client::Client;
pub use document::{Document, files};
pub use folder::{Folder, Process};
pub use random::Random;
pub use server::Server;
pub use session::Session;
pub use stream::Stream;
pub use value::Value;

/// Waits for `condition`; fails the test with `what` when it is not true within a time no
/// healthy run comes near.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The wall clock, unix milliseconds.
pub fn unix_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
