//! The PID family, a shared register of processes: one file a command. What they share with HB is in `proc`.

pub mod await_member;
pub mod deregister;
pub mod evict;
pub mod get;
pub mod help;
pub mod list;
pub mod register;
pub mod services;
pub mod show;
