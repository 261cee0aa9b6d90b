//! Black-box tests: each starts a server of its own with the module and talks to it as any client would.
//!
//! `support` holds the harness, each other module the tests of one topic: `cargo test --test server life`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

mod acl;
mod beats;
mod bind;
mod blocking;
mod bound;
mod cancel;
mod clock;
mod cluster;
mod config;
mod contention;
mod crash;
mod demo;
mod docs;
mod drop;
mod election;
mod example;
mod exclusive;
mod fail;
mod failover;
mod fenced;
mod freeze;
mod harness;
mod hostile;
mod idle;
mod input;
mod keyspace;
mod lease_member;
mod life;
mod list;
mod liveness;
mod members;
mod members_and_tasks;
mod memory;
mod model;
mod names;
mod patience;
mod persistence;
mod proc_cluster;
mod proc_events;
mod proc_foreign;
mod proc_history;
mod proc_input;
mod proc_keys;
mod proc_replication;
mod proc_tokens;
mod proc_waits;
mod queues;
mod readme;
mod reclaim;
mod register;
mod reload;
mod repeat;
mod replica;
mod replication;
mod script;
mod signs_of_life;
mod stale;
mod start_over;
mod timer;
mod unblock;
