//! Forgets names that have no keys: those nobody used for an hour, and those whose slot went elsewhere.

use super::api::Ctx;
use super::handles::Handles;
use super::keyspace::ServerKeys;
use super::state::{self, State};
use crate::names::Name;
use crate::pid::services;
use crate::task::queues;
use crate::time::{Ms, SECOND};

/// How often idle names are looked for, ms.
const EVERY: Ms = 60 * SECOND;
/// Most names looked at in one go: 21 keys each.
const MOST: usize = 100;

/// Forgets idle names, when it is time.
pub fn run(ctx: *mut Ctx) {
    state::with(|state| {
        let env = state.env();
        if env.steady.since(state.housekept) < EVERY {
            return;
        }
        state.housekept = env.steady;
        for name in state.memory.idle(&env).iter().take(MOST) {
            forget_if_gone(state, ctx, name);
        }
    });
}

/// What to do about a name whose slot is not wholly here: forgotten when it has gone with all its keys.
/// Whether it is to be looked at again.
pub fn look_after_move(ctx: *mut Ctx, name: &Name) -> bool {
    state::with(|state| !forget_if_gone(state, ctx, name)).unwrap_or(true)
}

fn forget_if_gone(state: &mut State, ctx: *mut Ctx, name: &Name) -> bool {
    let State { memory, texts, .. } = state;
    let mut keys = ServerKeys::new(Handles::new(ctx, false, false, texts), false);
    let gone = !queues::exists(&mut keys, name) && !services::exists(&mut keys, name);
    keys.finish();
    if gone {
        memory.forget(name);
    }
    gone
}
