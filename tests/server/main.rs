//! Black-box tests: each starts a server of its own with the module and talks to it as any client would.
//!
//! `support` is the harness; each other folder has one module per topic: `cargo test --test server tasks::life`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod chaos;
mod docs;
mod fuzz;
mod processes;
mod server;
mod support;
mod tasks;
