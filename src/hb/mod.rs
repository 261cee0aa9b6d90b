//! The HB family, heartbeats and elections: one file per command. What it shares with PID is in `membership`.

pub(crate) mod beat;
pub(crate) mod campaign;
pub(crate) mod check;
pub(crate) mod fenced;
pub(crate) mod leader;
pub(crate) mod resign;
pub(crate) mod signal;
pub(crate) mod withdraw;
