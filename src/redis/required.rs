//! The server's own commands that the module calls. An administrator may have renamed or removed one of them
//! (`rename-command`): then the timer would take every name for one whose writes are refused, in silence.

use std::ffi::CStr;

use super::api::{CallReply, Ctx, Flags, Level, log};

/// Nothing works without these.
const NEEDED: [&CStr; 7] = [
    c"DEL",
    c"HGETALL",
    c"HSCAN",
    c"RENAME",
    c"ZRANK",
    c"ZREMRANGEBYRANK",
    c"ZSCAN",
];
/// Nor without these in a cluster.
const NEEDED_IN_CLUSTER: [&CStr; 2] = [c"CLUSTER", c"EXISTS"];
/// Without these something is not seen.
const USEFUL: [(&CStr, &str); 2] = [
    (
        c"CONFIG",
        "an eviction policy that may evict tasks, or a timeout, is not warned of",
    ),
    (c"MODULE", "keyspace notifications for other modules cost more"),
];

/// Errors with what is missing; logs what will not work.
pub(super) fn check(ctx: *mut Ctx) -> Result<(), String> {
    let in_cluster = Flags::of(ctx).in_cluster();
    let also = NEEDED_IN_CLUSTER.iter().filter(|_| in_cluster);
    if let Some(command) = NEEDED.iter().chain(also).find(|command| !exists(ctx, command)) {
        return Err(format!(
            "this server has no command {}: steward needs it, so it must not be renamed (rename-command)",
            command.to_string_lossy()
        ));
    }
    for (command, consequence) in USEFUL.iter().filter(|(command, _)| !exists(ctx, command)) {
        let command = command.to_string_lossy();
        log(
            Level::Warning,
            &format!("this server has no command {command}: {consequence}"),
        );
    }
    Ok(())
}

/// Called without arguments, each of them answers that these are missing, and does nothing.
fn exists(ctx: *mut Ctx, command: &CStr) -> bool {
    let reply = CallReply::of(ctx, command, "E", &[]);
    reply.is_error() && !reply.error().contains("nknown") && reply.error() != "no reply"
}
