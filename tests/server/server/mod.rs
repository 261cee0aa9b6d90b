//! The server: data, memory, replicas, clock, access rules.

mod acl;
mod audience;
mod clock;
mod cluster;
mod cluster_client;
mod config;
mod crash;
mod docs;
mod fields;
mod freeze;
mod hostile;
mod idle;
mod keyspace;
mod memory;
mod names;
mod persistence;
mod reload;
mod replica;
mod replication;
mod retention;
mod script;
mod torn;
mod watching;
