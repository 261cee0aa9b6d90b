//! Asks the server whether a client's command would be accepted.

use super::api::{CallReply, Ctx, Flags, optional};
use super::{cluster, module, server_info};
use crate::error::Error;
use crate::names::Name;

/// Where the keys of a name are, in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// All here.
    Here,
    /// On another node, or being moved.
    Elsewhere,
    /// Unknown: the cluster is down.
    Down,
}

/// Where the slot of the name is. Asks for two keys of it that never exist: only a slot that is completely here
/// answers.
pub(super) fn slot(ctx: *mut Ctx, name: &Name) -> Slot {
    let (one, other) = (absent(name, b":probe:1"), absent(name, b":probe:2"));
    let reply = CallReply::of(ctx, c"EXISTS", "E", &[&one, &other]);
    if !reply.is_error() {
        Slot::Here
    } else if reply.error().contains("cluster is down") {
        Slot::Down
    } else {
        Slot::Elsewhere
    }
}

/// The number of a key's slot.
pub(super) fn slot_number(ctx: *mut Ctx, key: &[u8]) -> Option<usize> {
    CallReply::of(ctx, c"CLUSTER", "E", &[b"KEYSLOT", key]).count()
}

/// Errors with `TryAgain` when the slot of the name is being moved key by key or is not served here.
pub(super) fn slot_is_whole(ctx: *mut Ctx, name: &Name) -> Result<(), Error> {
    match slot(ctx, name) {
        Slot::Here => Ok(()),
        Slot::Elsewhere | Slot::Down => Err(Error::TryAgain),
    }
}

/// Whether there is a sign that clients' writes are refused. Sends no command: one with every beat of the cron, as long
/// as any claim exists, would fill MONITOR and the statistics of commands.
pub(super) fn refusal_is_likely(ctx: *mut Ctx, flags: Flags) -> bool {
    let failed = |field| server_info::field(c"persistence", field).is_some_and(|status| status != b"ok");
    is_held_back()
        || failed(c"rdb_last_bgsave_status")
        || failed(c"aof_last_write_status")
        || lacks_replicas()
        || flags.in_cluster() && cluster::has_failing_nodes(ctx)
}

/// Whether writes need more replicas than there are.
fn lacks_replicas() -> bool {
    // A field that exists only where writes need replicas.
    let Some(good) = server_info::field(c"replication", c"min_slaves_good_slaves") else {
        return false;
    };
    let good: Option<i64> = std::str::from_utf8(&good).ok().and_then(|good| good.parse().ok());
    let needed = module::with(|module| module.min_replicas).flatten();
    good.zip(needed).is_none_or(|(good, needed)| good < needed)
}

/// Whether a client's write to this name would be refused or delayed now, or the timer is switched off.
pub(super) fn writes_are_refused(ctx: *mut Ctx, name: &Name) -> bool {
    // While writes are paused, for a failover or a shutdown, one effect sent from a timer aborts the server.
    is_held_back() || write_refusal(ctx, name).is_some()
}

/// Why a client's write to this name would be refused or delayed now, if it would.
pub(super) fn write_refusal(ctx: *mut Ctx, name: &Name) -> Option<String> {
    if are_writes_paused() {
        return Some("writes are paused, by CLIENT PAUSE, a failover or a shutdown".into());
    }
    let reply = CallReply::of(ctx, c"DEL", "!ES", &[&absent(name, b":probe:1")]);
    reply.is_error().then(|| reply.error())
}

/// Whether the timer is switched off, or writes are paused.
fn is_held_back() -> bool {
    !module::settings().timer || are_writes_paused()
}

fn are_writes_paused() -> bool {
    // SAFETY: reads a pointer that was set when the module was loaded.
    unsafe { optional!(RedisModule_AvoidReplicaTraffic).is_some_and(|avoid| avoid() != 0) }
}

fn absent(name: &Name, suffix: &[u8]) -> Vec<u8> {
    let mut key = name.queue().to_vec();
    key.extend_from_slice(suffix);
    key
}
