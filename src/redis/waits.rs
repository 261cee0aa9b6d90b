//! In a cluster, clients must not wait for a queue whose slot moves away: they get `TRYAGAIN`.

use super::api::{Ctx, Flags};
use super::{block, module, probe};
use crate::error::Error;
use crate::names::Name;

/// Most queues checked in one run of the server's cron.
const MOST: usize = 50;

/// Checks the slots of the next few queues that clients wait for.
pub(super) fn check_slots(ctx: *mut Ctx) {
    if module::with(|module| module.blocked.count()).unwrap_or(0) == 0 || !Flags::of(ctx).in_cluster() {
        return;
    }
    let names: Vec<Name> = module::with(|module| {
        let all = module.state.waiting.names().count();
        let skip = if all > MOST { module.checked_slots % all } else { 0 };
        module.checked_slots = skip + MOST;
        let names = module.state.waiting.names();
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
    module::with(|module| {
        let tickets = module.state.waiting.all(name);
        block::refuse(module, &tickets, error);
    });
}
