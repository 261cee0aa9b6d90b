//! The section of INFO. Its fields are a contract: monitoring reads them.

use std::ffi::c_int;

use redis_module::raw::RedisModuleInfoCtx;

use super::api::call;
use super::dispatch::guard;
use super::reply::c_string;
use super::state::{self, State};
use super::unit::{Mode, run};
use crate::proc;
use crate::task::overview::{Overview, overview};
use crate::time::SECOND;

/// Called for INFO, and for the report of a crash, to which we have nothing to say: memory may be broken.
///
/// # Safety
/// Called by the server.
pub unsafe extern "C" fn on_info(ctx: *mut RedisModuleInfoCtx, for_crash_report: c_int) {
    if for_crash_report != 0 {
        return;
    }
    guard(|| {
        let Some(fields) = look() else {
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

/// The values now. Counting the tasks opens a dozen keys of every queue, so it is not done more than once
/// a second.
fn look() -> Option<Vec<(&'static str, i64)>> {
    let (ctx, counted) = state::with(|state| {
        let now = state.clock.steady();
        let counted = state.overview.filter(|(moment, _)| now.since(*moment) < SECOND);
        (state.timer.context(), counted.map(|(_, overview)| overview))
    })?;
    let overview = match counted {
        Some(overview) => overview,
        None => run(ctx, Mode::Reads, |unit| Ok(overview(unit))).ok()?,
    };
    let services = run(ctx, Mode::Reads, |unit| Ok(proc::overview::overview(unit))).ok()?;
    state::with(|state| {
        if counted.is_none() {
            state.overview = Some((state.clock.steady(), overview));
        }
        fields(state, overview, services)
    })
}

fn fields(state: &State, overview: Overview, services: proc::overview::Overview) -> Vec<(&'static str, i64)> {
    let memory = &state.memory;
    let totals = &memory.totals;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    vec![
        ("timer_late_ms_p99", memory.lateness.quantile(0.99).unwrap_or(0)),
        ("timer_backlog", size(memory.agenda.backlog())),
        ("queues", size(overview.queues)),
        ("scheduled_tasks", size(overview.scheduled)),
        ("ready_total", size(overview.ready)),
        ("oldest_ready_ms", overview.oldest_ready),
        ("blocked_tasks", size(overview.blocked)),
        ("claimed_tasks", size(overview.claimed)),
        ("dead_tasks", size(overview.dead)),
        ("services", size(services.services)),
        ("members", size(services.members)),
        ("leaders", size(services.leaders)),
        ("reclaiming", size(services.reclaiming)),
        ("waiting_clients", size(state.blocked.count())),
        ("scheduled_total", number(totals.scheduled)),
        ("claims_total", number(totals.claimed)),
        ("acked_total", number(totals.acked)),
        ("failed_total", number(totals.failed)),
        ("lost_total", number(totals.lost)),
        ("dead_total", number(totals.dead)),
        ("expired_total", number(totals.expired)),
        ("cancelled_total", number(totals.cancelled)),
        ("members_lost_total", number(memory.presence.lost)),
        ("stalls", number(memory.holds.stalls)),
        ("skipped_foreign", number(memory.skipped_foreign)),
        ("eviction_unsafe", i64::from(state.eviction_unsafe)),
        ("since", memory.since.0),
    ]
}
