//! Unit tests, one file a capability: commands on a [`world`] with the fake keyspace.

mod dependencies;
mod group;
mod later;
mod life;
mod limits;
mod members;
mod purge;
mod recurring;
mod rest;
mod results;
mod targeted;
mod unique;
pub(crate) mod walk;
mod workers;
pub(crate) mod world;
