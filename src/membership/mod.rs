//! The one engine behind PID and HB: members, whether they live, who leads, and what their streams say.

pub(crate) mod election;
pub(crate) mod events;
pub(crate) mod leadership;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod overview;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod registration;
pub(crate) mod service;
pub(crate) mod service_state;
pub(crate) mod services;
mod table;
pub(crate) mod timer;

#[cfg(test)]
mod tests;
