//! `steward lead`, and who asks for the leader.

mod asking;
mod inherited;
mod killed;
mod network;
mod servers;
mod signals;
mod takeover;
mod trying;
