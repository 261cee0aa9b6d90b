//! Unit tests, one file a capability: commands on a [`world`] with the fake keyspace.

mod again;
mod batches;
mod dependencies;
mod drops;
mod edges;
mod explain;
mod group;
mod kinds;
mod later;
mod life;
mod limits;
mod lost;
mod members;
mod operators;
mod purge;
pub(super) mod recurring;
mod redefined;
mod rest;
mod results;
mod steps;
mod successors;
mod targeted;
mod times;
mod unique;
pub(crate) mod walk;
mod workers;
pub(crate) mod world;
