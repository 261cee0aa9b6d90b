//! Whether keyspace notifications have other listeners than us. That is rare, and otherwise the hot path can skip them,
//! which saves 5 % of the cost of a task.

use super::api::{CallReply, Ctx};
use super::module;

/// Modules that are known to listen to no notifications: ours, and those that Redis 8 and Valkey 9 bring with them.
const SILENT: [&[u8]; 3] = [b"steward", b"vectorset", b"lua"];

/// Finds out whether the server publishes notifications or another module may have subscribed to them.
pub(super) fn check(ctx: *mut Ctx) {
    let published = CallReply::of(ctx, c"CONFIG", "E", &[b"GET", b"notify-keyspace-events"]).strings();
    let published = published.get(1).is_none_or(|classes| !classes.is_empty());
    let modules = CallReply::of(ctx, c"MODULE", "E", &[b"LIST"]).strings();
    let names = modules
        .windows(2)
        .filter(|pair| matches!(pair, [field, _] if field == b"name"));
    let others = names
        .filter(|pair| !matches!(pair, [_, name] if SILENT.contains(&name.as_slice())))
        .count();
    module::soon(move |module| module.observed = published || others > 0);
}
