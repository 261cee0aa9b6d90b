//! The section of INFO. Its fields are a contract with monitoring.

use std::ffi::c_int;

use redis_module::raw::RedisModuleInfoCtx;

use super::api::call;
use super::callback::guard;
use super::module::{self, Module};
use super::reply::c_string;
use super::transaction::{Mode, run};
use crate::membership::overview as services;
use crate::recur::database_version;
use crate::task::overview::{Overview, overview};
use crate::time::SECOND;

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

/// The current values. Counting the tasks opens a dozen keys of every queue, so it is done at most once a second.
fn values() -> Option<Vec<(&'static str, i64)>> {
    let (ctx, counted) = module::with(|module| {
        let now = module.clock.steady();
        let counted = module.overview.filter(|(moment, _)| now.since(*moment) < SECOND);
        (module.timer.context(), counted.map(|(_, overview)| overview))
    })?;
    let overview = match counted {
        Some(overview) => overview,
        None => run(ctx, Mode::Reads, |tx| Ok(overview(tx))).ok()?,
    };
    let services = run(ctx, Mode::Reads, |tx| Ok(services::overview(tx))).ok()?;
    module::with(|module| {
        if counted.is_none() {
            module.overview = Some((module.clock.steady(), overview));
        }
        fields(module, overview, services)
    })
}

fn fields(module: &Module, overview: Overview, services: services::Overview) -> Vec<(&'static str, i64)> {
    let state = &module.state;
    let totals = &state.totals;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    vec![
        ("late_p99_ms", state.lateness.quantile(0.99).unwrap_or(0)),
        ("timer_backlog", size(state.wakeups.backlog())),
        ("queues", size(overview.queues)),
        ("scheduled_tasks", size(overview.scheduled)),
        ("ready_tasks", size(overview.ready)),
        ("oldest_ready_ms", overview.oldest_ready),
        ("blocked_tasks", size(overview.blocked)),
        ("claimed_tasks", size(overview.claimed)),
        ("dead_tasks", size(overview.dead)),
        ("services", size(services.services)),
        ("members", size(services.members)),
        ("leaders", size(services.leaders)),
        ("reclaiming_services", size(services.reclaiming)),
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
