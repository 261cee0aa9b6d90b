//! Warns when the server may evict our keys to save memory: that voids all guarantees.

use super::api::{CallReply, Ctx, Level, log};
use super::module;

/// Reads the eviction policy, and logs a warning when it changes to one that may evict our keys.
pub(super) fn check(ctx: *mut Ctx) {
    let policy = CallReply::of(ctx, c"CONFIG", "E", &[b"GET", b"maxmemory-policy"]).strings();
    let evicts = policy.get(1).is_some_and(|policy| policy.starts_with(b"allkeys-"));
    module::soon(move |module| {
        if evicts && !module.eviction_unsafe {
            log(
                Level::Warning,
                "maxmemory-policy allkeys-* may evict tasks: set noeviction or a volatile-* policy",
            );
        }
        module.eviction_unsafe = evicts;
    });
}
