//! The HB family, heartbeats and election: one file a command. What they share with PID is in `proc`.

pub mod beat;
pub mod campaign;
pub mod check;
pub mod fenced;
pub mod help;
pub mod leader;
pub mod resign;
pub mod signal;
pub mod withdraw;
