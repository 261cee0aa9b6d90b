//! A soak: producers, workers and members call everything there is, the server is killed or replaced under them, and a
//! checker that knows every call and every reply compares what is there with what was promised.
//!
//! `make chaos ROUNDS=n` runs many rounds; the tests here are one short round for each fault. A seed decides what each
//! client calls and when a fault comes, not how the server orders the calls of many clients: one that failed may need a
//! few runs to fail again.

mod actor;
mod checker;
mod claims;
mod fault;
mod histories;
mod leaders;
mod member;
mod producer;
mod rounds;
mod settle;
mod soak;
mod wishes;
mod worker;
