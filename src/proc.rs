//! The one engine behind PID and HB.

pub mod tick;
