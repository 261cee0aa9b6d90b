//! In a cluster, clients must not wait for a queue whose slot goes elsewhere: they are told to try again.

use super::api::{Ctx, Flags};
use super::{block, probe, state};
use crate::error::Error;
use crate::names::Name;

/// Most queues looked at in one beat of the server's cron.
const MOST: usize = 50;

/// Looks at the slots of the next few queues for which clients wait.
pub fn check_slots(ctx: *mut Ctx) {
    if state::with(|state| state.blocked.count()).unwrap_or(0) == 0 || !Flags::of(ctx).in_cluster() {
        return;
    }
    let names: Vec<Name> = state::with(|state| {
        let all = state.memory.waiting.names().count();
        let skip = if all > MOST { state.checked_slots % all } else { 0 };
        state.checked_slots = skip + MOST;
        let names = state.memory.waiting.names();
        names.skip(skip).take(MOST).cloned().collect()
    })
    .unwrap_or_default();
    for name in names {
        if let Err(error) = probe::slot_is_whole(ctx, &name) {
            refuse_all(&name, &error);
        }
    }
}

fn refuse_all(name: &Name, error: &Error) {
    state::with(|state| {
        let tickets = state.memory.waiting.all(name);
        block::refuse(state, &tickets, error);
    });
}
