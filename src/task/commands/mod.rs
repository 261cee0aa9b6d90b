//! The TASK commands, one file each.

pub(crate) mod ack;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod drop;
pub(crate) mod extend;
pub(crate) mod fail;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod mschedule;
pub(crate) mod pause;
pub(crate) mod purge;
pub(crate) mod queues;
pub(crate) mod release;
pub(crate) mod repeat;
pub(crate) mod repeats;
pub(crate) mod reschedule;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod schedule;
pub(crate) mod stats;
pub(crate) mod unrepeat;
pub(crate) mod workers;
