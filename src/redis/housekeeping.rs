//! Forgets names without keys: those unused for an hour, and those whose slot moved to another node.

use super::api::Ctx;
use super::handles::Handles;
use super::keyspace::{Effects, ServerKeys};
use super::module::{self, Module};
use crate::names::Name;
use crate::pid::services;
use crate::task::commands::queues;
use crate::time::{Ms, SECOND};

/// How often idle names are checked, ms.
const EVERY: Ms = 60 * SECOND;
/// Most names checked at once, with 21 keys each.
const MOST: usize = 100;

/// Forgets idle names, when it is time.
pub(super) fn run(ctx: *mut Ctx) {
    module::with(|module| {
        let context = module.context();
        if context.steady.since(module.housekept) < EVERY {
            return;
        }
        module.housekept = context.steady;
        for name in module.state.idle(&context).iter().take(MOST) {
            forget_if_gone(module, ctx, name);
        }
    });
}

/// Forgets a name whose slot is no longer completely here, if its last key has gone; whether it has.
pub(super) fn forget_moved(ctx: *mut Ctx, name: &Name) -> bool {
    module::with(|module| forget_if_gone(module, ctx, name)).unwrap_or(false)
}

fn forget_if_gone(module: &mut Module, ctx: *mut Ctx, name: &Name) -> bool {
    let Module { state, texts, open, .. } = module;
    let mut keys = ServerKeys::new(Handles::new(ctx, false, false, texts, open), Effects::PassedOn);
    let gone = !queues::exists(&mut keys, name) && !services::exists(&mut keys, name);
    keys.finish();
    if gone {
        state.forget(name);
    }
    gone
}
