//! The section of INFO. Its fields are a contract: monitoring reads them.

use std::ffi::c_int;

use redis_module::raw::RedisModuleInfoCtx;

use super::api::call;
use super::dispatch::guard;
use super::reply::c_string;
use super::state::{self, State};

/// Called for INFO, and for the report of a crash, to which we have nothing to say: memory may be broken.
///
/// # Safety
/// Called by the server.
pub unsafe extern "C" fn on_info(ctx: *mut RedisModuleInfoCtx, for_crash_report: c_int) {
    if for_crash_report != 0 {
        return;
    }
    guard(|| {
        let Some(fields) = state::with(|state| fields(state)) else {
            return;
        };
        // SAFETY: the context the server lent us; names are copied.
        unsafe {
            if call!(RedisModule_InfoAddSection(ctx, c"".as_ptr())) != super::api::OK {
                return;
            }
            for (name, value) in fields {
                let name = c_string(name);
                call!(RedisModule_InfoAddFieldLongLong(ctx, name.as_ptr(), value));
            }
        }
    });
}

fn fields(state: &State) -> Vec<(&'static str, i64)> {
    let memory = &state.memory;
    let totals = &memory.totals;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    vec![
        ("timer_late_ms_p99", memory.lateness.quantile(0.99).unwrap_or(0)),
        ("timer_backlog", size(memory.agenda.backlog())),
        ("queues", size(memory.queues().count())),
        ("waiting_clients", size(state.blocked.count())),
        ("scheduled_total", number(totals.scheduled)),
        ("claims_total", number(totals.claimed)),
        ("acked_total", number(totals.acked)),
        ("failed_total", number(totals.failed)),
        ("lost_total", number(totals.lost)),
        ("dead_total", number(totals.dead)),
        ("cancelled_total", number(totals.cancelled)),
        ("stalls", number(memory.holds.stalls)),
        ("skipped_foreign", number(memory.skipped_foreign)),
        ("eviction_unsafe", i64::from(state.eviction_unsafe)),
        ("since", memory.since.0),
    ]
}
