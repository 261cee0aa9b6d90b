//! Whether anybody listens to effects: an append-only file, a replica, or a backlog from which a replica may continue.
//! To send them costs a fifth of a plain task's life, even where the server then drops them.
//!
//! Between two commands of clients the answer changes only with what the server tells of, or forks for: a new replica
//! is given a snapshot. One thing is told too early: a primary that loads the snapshot of its own shutdown makes a
//! backlog after the end of the loading. So a change is only noted, and the next command asks.

use super::api::Flags;
use super::server_info;

/// Who listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Audience {
    /// To be asked.
    #[default]
    Unknown,
    /// Nobody.
    Nobody,
    /// Somebody, from now on: when the last one leaves, a backlog is kept for another.
    Somebody,
}

impl Audience {
    /// Something happened after which somebody may listen.
    pub(super) fn may_have_come(&mut self) {
        if *self == Audience::Nobody {
            *self = Audience::Unknown;
        }
    }

    /// Whether the effects of a command have to be sent: always in a cluster, where slots move to other nodes, and when
    /// it is none that a client sent by itself.
    pub(super) fn listens(&mut self, flags: Flags) -> bool {
        if flags.has_file() || flags.in_cluster() || flags.must_not_wait() {
            return true;
        }
        if *self == Audience::Unknown {
            *self = ask();
        }
        *self == Audience::Somebody
    }
}

fn ask() -> Audience {
    let is_zero = |field| server_info::field(c"replication", field).is_some_and(|value| value == b"0");
    if is_zero(c"repl_backlog_active") && is_zero(c"connected_slaves") {
        Audience::Nobody
    } else {
        Audience::Somebody
    }
}
