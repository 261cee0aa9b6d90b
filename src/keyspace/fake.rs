//! The keyspace of the unit tests.
