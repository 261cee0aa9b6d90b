//! The HB family, heartbeats and election: one file a command. What they share with PID is in `membership`.

pub(crate) mod beat;
pub(crate) mod campaign;
pub(crate) mod check;
pub(crate) mod fenced;
pub(crate) mod leader;
pub(crate) mod resign;
pub(crate) mod signal;
pub(crate) mod withdraw;
