//! The test harness: a server for each test, connections, and a readable replication stream.

pub(crate) mod builder;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod cluster;
pub(crate) mod crew;
pub(crate) mod document;
pub(crate) mod folder;
mod harness;
pub(crate) mod history;
pub(crate) mod indexes;
pub(crate) mod member;
pub(crate) mod places;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod record;
pub(crate) mod recovery;
mod replica;
pub(crate) mod rig;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod stream;
pub(crate) mod task;
pub(crate) mod value;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use client::Client;
pub(crate) use document::{Document, files};
pub(crate) use folder::{Folder, Process};
pub(crate) use proxy::Proxy;
pub(crate) use random::Random;
pub(crate) use server::Server;
pub(crate) use session::Session;
pub(crate) use stream::Stream;
pub(crate) use value::Value;

/// Waits for `condition`; fails the test with `what` when that takes much longer than any healthy run.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The wall clock, unix milliseconds.
pub(crate) fn unix_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Python with the client library that `scripts/deps --dev` installs.
pub(crate) fn python() -> PathBuf {
    installed("python/bin/python")
}

/// The folder of the Node packages that `scripts/deps --dev` installs.
pub(crate) fn node_modules() -> PathBuf {
    installed("node/node_modules")
}

fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(path);
    assert!(path.exists(), "{} is missing: run scripts/deps --dev", path.display());
    path
}
