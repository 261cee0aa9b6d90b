//! In a cluster, clients must not wait for a queue whose slot moves away: they get `TRYAGAIN`.

use super::api::{Ctx, Flags};
use super::module::{self, Module};
use super::{block, probe};
use crate::error::Error;
use crate::names::Name;
use crate::time::{Ms, SECOND};

/// Most queues checked at once.
const MOST: usize = 50;
/// How often they are checked, ms: each is asked for by a command, which MONITOR shows.
const EVERY: Ms = SECOND;

/// Checks the slots of the next few queues that clients wait for, when it is time.
pub(super) fn check_slots(ctx: *mut Ctx) {
    if module::with(is_time) != Some(true) || !Flags::of(ctx).in_cluster() {
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

fn is_time(module: &mut Module) -> bool {
    let now = module.clock.steady();
    let is_time = module.blocked.count() > 0 && now.since(module.slots_checked) >= EVERY;
    if is_time {
        module.slots_checked = now;
    }
    is_time
}

fn refuse_all(name: &Name, error: &Error) {
    module::with(|module| {
        let tickets = module.state.waiting.all(name);
        block::refuse(module, &tickets, error);
    });
}
