//! The one engine behind PID and HB. From the ground up, each file knows only those before it:
//!
//! * `record` is what is stored of a member, `registration` what a process asks for, `leadership` the service's own
//!   hash;
//! * `liveness` and `member` are what memory knows of a member, `table` finds members by name, `service_state` is all
//!   that is remembered of one service, `services` of all of them;
//! * `service` is the handle that commands and the timer work on: `events` and `watchers` say what happened on it,
//!   `load` reads members, `reclaim` holds elections back after a load, `candidates` keeps the line, `members` lets
//!   members come and go, `register` decides what a registration comes to, `election` who leads;
//! * `timer` is what time does, `render` what clients are shown, `overview` the counts of INFO.

pub(crate) mod candidates;
pub(crate) mod election;
pub(crate) mod events;
pub(crate) mod leadership;
pub(crate) mod liveness;
mod load;
pub(crate) mod member;
mod members;
pub(crate) mod overview;
mod reclaim;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod registration;
pub(crate) mod render;
pub(crate) mod service;
pub(crate) mod service_state;
pub(crate) mod services;
mod table;
mod timer;
mod watchers;

#[cfg(test)]
mod tests;
