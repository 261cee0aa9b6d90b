//! The PID family, a shared registry of processes: one file per command. What it shares with HB is in `membership`.

pub(crate) mod await_member;
pub(crate) mod deregister;
pub(crate) mod drop;
pub(crate) mod evict;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod render;
pub(crate) mod services;
