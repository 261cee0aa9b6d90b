//! The section of INFO. Its fields are a contract with monitoring.

use std::ffi::c_int;

use redis_module::raw::RedisModuleInfoCtx;

use super::api::call;
use super::callback::guard;
use super::housekeeping;
use super::module::{self, Module};
use super::reply::c_string;
use crate::context::Context;
use crate::recur::database_version;
use crate::state::sums::Sums;

/// Called for INFO, and for a crash report, to which we add nothing because memory may be corrupt.
///
/// # Safety
/// Called by the server.
pub(super) unsafe extern "C" fn on_info(ctx: *mut RedisModuleInfoCtx, for_crash_report: c_int) {
    if for_crash_report != 0 {
        return;
    }
    guard(|| {
        let Some(fields) = values() else {
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
            let zones = c_string(database_version());
            call!(RedisModule_InfoAddFieldCString(
                ctx,
                c"time_zones".as_ptr(),
                zones.as_ptr()
            ));
        }
    });
}

/// The current values.
fn values() -> Option<Vec<(&'static str, i64)>> {
    if let Some(ctx) = module::with(|module| module.timer.context()) {
        housekeeping::measure_few(ctx);
    }
    module::with(|module| {
        let context = module.context();
        fields(module, &context)
    })
}

fn fields(module: &Module, context: &Context) -> Vec<(&'static str, i64)> {
    let state = &module.state;
    let totals = &state.totals;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let sum = |of: fn(&Sums) -> usize| size(state.names.sums().map(of).sum());
    let oldest = state.names.sums().filter_map(Sums::oldest).min();
    let reclaims = state.services.reclaims_since;
    let reclaims = reclaims.is_some_and(|since| since.after(context.config.reclaim_window) > context.steady);
    vec![
        ("late_p99_ms", state.lateness.quantiles().map_or(0, |(_, p99)| p99)),
        ("timer_backlog", size(state.names.backlog())),
        ("sums_age_ms", state.sums_age(context.steady)),
        ("queues", sum(|sums| sums.queues)),
        ("scheduled_tasks", sum(|sums| sums.scheduled)),
        ("ready_tasks", sum(|sums| sums.ready)),
        (
            "oldest_ready_ms",
            oldest.map_or(0, |due| context.wall.since(due).max(0)),
        ),
        ("blocked_tasks", sum(|sums| sums.blocked)),
        ("claimed_tasks", sum(|sums| sums.claimed)),
        ("dead_tasks", sum(|sums| sums.dead)),
        ("services", sum(|sums| sums.services)),
        ("members", sum(|sums| sums.members)),
        ("leaders", sum(|sums| sums.leaders)),
        (
            "reclaiming_services",
            if reclaims { sum(|sums| sums.reclaiming) } else { 0 },
        ),
        ("waiting_clients", size(module.blocked.count())),
        ("scheduled_total", number(totals.scheduled)),
        ("claimed_total", number(totals.claimed)),
        ("acked_total", number(totals.acked)),
        ("failed_total", number(totals.failed)),
        ("lost_total", number(totals.lost)),
        ("dead_total", number(totals.dead)),
        ("expired_total", number(totals.expired)),
        ("cancelled_total", number(totals.cancelled)),
        ("members_lost_total", number(state.services.lost)),
        ("stalls_total", number(state.stalls.stalls)),
        ("skipped_foreign_total", number(state.skipped_foreign)),
        ("eviction_unsafe", i64::from(module.eviction_unsafe)),
        ("client_timeout_ms", module.client_timeout),
        ("since_at", state.since.0),
    ]
}
