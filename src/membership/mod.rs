//! The engine behind PID and HB. From the bottom up, each file imports only those before it:
//!
//! * `record` is a member as stored, `registration` the request of a process, `leadership` the service's own hash;
//! * `leaving` tells who goes with many others, `liveness` and `member` are a member in memory, `table` finds members by name, `service_state` is the state of one
//!   service, `services` that of all;
//! * `service` is the handle that commands and the timer work on: `events` and `watchers` report changes, `load` reads
//!   members, `reclaim` delays elections after a load, `candidates` keeps the line of candidates, `members` adds and
//!   removes members, `departures` removes many at a time, `register` decides the outcome of a registration, `election` appoints leaders;
//! * `timer` does the work that is due, `render` builds replies, `overview` counts for INFO.

pub(crate) mod candidates;
mod departures;
pub(crate) mod election;
pub(crate) mod events;
pub(crate) mod leadership;
mod leaving;
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
