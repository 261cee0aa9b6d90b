//! Settings of the server: warns of those that void what the module promises.

use super::api::{CallReply, Ctx, Level, log};
use super::module;
use crate::time::SECOND;

/// Reads the eviction policy, and logs a warning when it changes to one that may evict our keys.
pub(super) fn check_eviction(ctx: *mut Ctx) {
    let evicts = value(ctx, b"maxmemory-policy").starts_with(b"allkeys-");
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

/// Reads after how long the server closes the connection of an idle client, and logs a warning when it begins to: it
/// closes that of a bound worker which is busy with a task, and the task counts as lost.
pub(super) fn check_timeout(ctx: *mut Ctx) {
    let timeout = value(ctx, b"timeout");
    let seconds = std::str::from_utf8(&timeout).ok().and_then(|text| text.parse().ok());
    let timeout = seconds.unwrap_or(0_i64).saturating_mul(SECOND);
    module::soon(move |module| {
        if timeout > 0 && module.client_timeout == 0 {
            log(
                Level::Warning,
                "timeout closes connections of bound workers that are busy, and their tasks count as lost: set timeout 0",
            );
        }
        module.client_timeout = timeout;
    });
}

/// Reads how many replicas a write needs.
pub(super) fn read_min_replicas(ctx: *mut Ctx) {
    let needed = value(ctx, b"min-replicas-to-write");
    let needed = std::str::from_utf8(&needed).ok().and_then(|text| text.parse().ok());
    module::soon(move |module| module.min_replicas = needed);
}

/// The value of a setting; empty if it cannot be read.
fn value(ctx: *mut Ctx, name: &[u8]) -> Vec<u8> {
    let pair = CallReply::of(ctx, c"CONFIG", "E", &[b"GET", name]).strings();
    pair.into_iter().nth(1).unwrap_or_default()
}
