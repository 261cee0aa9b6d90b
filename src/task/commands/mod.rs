//! The TASK commands, one file each.

pub mod ack;
pub mod cancel;
pub mod claim;
pub mod config;
pub mod drop;
pub mod extend;
pub mod fail;
pub mod get;
pub mod list;
pub mod mschedule;
pub mod pause;
pub mod purge;
pub mod queues;
pub mod release;
pub mod repeat;
pub mod repeats;
pub mod reschedule;
pub mod result;
pub mod retry;
pub mod schedule;
pub mod stats;
pub mod unrepeat;
pub mod workers;
