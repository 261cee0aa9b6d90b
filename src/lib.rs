//! steward: a Redis and Valkey module that schedules tasks and hands them to workers.
//!
//! A tour for the newcomer, in the order the data flows:
//!
//! * [`redis`] is the edge, and the only place with `unsafe`: it registers the commands, reads the clocks, opens keys,
//!   blocks clients, owns the timer and sends effects to replicas and the AOF.
//! * [`commands`] lists all commands; each is a file in [`task::commands`], [`pid`] or [`hb`] with its declaration
//!   ([`command`]) and what it does. One run of a command, or one slice of the [`timer`], is a transaction ([`tx`]).
//! * [`task`] is everything about tasks, [`membership`] everything about members and leaders.
//! * A transaction reads and writes the data through the verbs of [`keyspace`] on the keys of [`names`].
//! * [`state`] holds what is derived from the keys or ephemeral: all names and when each is next due, the [`waiting`]
//!   clients, the settings and claims of queues, the members of services, what [`stalls`] postpone.
//! * [`recur`] computes when recurring tasks are due: intervals, cron expressions, time zones.
//!
//! No files import each other in a circle, and only the edge uses Redis or reads a clock (`layers.rs`).
//! `docs/internals/` says more, and how to add things.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "this documentation is for those who change the module: nothing of it is a library"
)]

mod backoff;
mod command;
mod commands;
mod config;
mod context;
mod error;
mod glob;
mod hb;
mod history;
mod keyspace;
#[cfg(test)]
mod layers;
mod membership;
mod names;
mod pages;
mod pid;
mod rate;
mod recur;
mod redis;
mod reply;
mod settings;
mod stalls;
mod state;
mod stats;
mod task;
mod time;
mod timer;
mod tx;
mod waiting;

// It exists only inside a server, hence not in unit tests.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: redis::ServerAlloc = redis::ServerAlloc;
