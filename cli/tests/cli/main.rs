//! Black-box tests: each starts a server with `steward dev` and runs `steward` as a person would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod dev;
mod examples;
mod figures;
mod installing;
mod lead;
mod manual;
mod places;
mod quickstart;
mod support;
mod top;
mod units;
mod verbs;
mod web;
mod work;
