//! Forgets queues that have no keys and were not used for an hour. At most once a minute, with the timer.

use super::api::Ctx;
use super::handles::Handles;
use super::keyspace::ServerKeys;
use super::state::{self, State};
use crate::keyspace::Keyspace;
use crate::names::{Index, Name};
use crate::time::{Ms, SECOND};

/// How often, ms.
const EVERY: Ms = 60 * SECOND;
/// Unused for so long, ms.
const IDLE: Ms = 3_600 * SECOND;
/// Most queues looked at in one go: 17 keys each.
const MOST: usize = 100;

/// Forgets what can be forgotten, when it is time.
pub fn run(ctx: *mut Ctx) {
    state::with(|state| {
        let env = state.env();
        if env.steady.since(state.housekept) < EVERY {
            return;
        }
        state.housekept = env.steady;
        let State { memory, texts, .. } = state;
        let idle = memory.unused_since(env.steady.after(-IDLE));
        let mut keys = ServerKeys::new(Handles::new(ctx, false, false, texts), false);
        for name in idle.iter().take(MOST).filter(|name| is_gone(&mut keys, name)) {
            memory.forget_idle(name, &env);
        }
        keys.finish();
    });
}

/// What to do about a queue whose slot is not wholly here: forgotten when it has gone with all its keys.
/// Whether it is to be looked at again.
pub fn look_after_move(ctx: *mut Ctx, name: &Name) -> bool {
    state::with(|state| {
        let State { memory, texts, .. } = state;
        let mut keys = ServerKeys::new(Handles::new(ctx, false, false, texts), false);
        let gone = is_gone(&mut keys, name);
        keys.finish();
        if gone {
            memory.forget(name);
        }
        !gone
    })
    .unwrap_or(true)
}

fn is_gone(keys: &mut ServerKeys<'_>, name: &Name) -> bool {
    !keys.exists(name.queue())
        && !keys.exists(name.workers())
        && !Index::ALL.into_iter().any(|index| keys.exists(name.index(index)))
}
