//! What the short way of plain tasks (`redis::plain`) asks and notes of memory.
//!
//! Most steps are those of a task without options in a queue without limits, while nobody waits: SCHEDULE, CLAIM and ACK
//! of those touch two or three keys. The general way costs four times as many instructions for them, none of which is
//! more than a hundredth of the whole. So the edge takes a short way where this file says that nothing else can be
//! concerned. Both ways give the same replies, data and effects, as `tests/server/tasks/plain.rs` shows with random
//! histories; what the general way does beyond that is left out here because of one of these conditions.

use crate::config::ModuleConfig;
use crate::context::Context;
use crate::membership::service_state::Loading;
use crate::names::{Id, Name};
use crate::settings::{EventsLevel, QueueSettings};
use crate::state::State;
use crate::state::queue::{Held, QueueState, Rebase};
use crate::task::header::{Header, TaskState};
use crate::task::index::claimed;
use crate::time::Ms;

/// How long the short way is not tried again in a queue after it has met a task that is not plain, ms.
const AGAIN: Ms = 100;

/// Whether every step in the queue may be plain: it is in memory as it is stored, without anything that is under way,
/// and nobody waits for it.
pub(crate) fn is_queue(state: &State, name: &Name, context: &Context) -> bool {
    let Some(queue) = state.known_queue(name) else {
        return false;
    };
    let settings = queue.settings.as_deref();
    queue.listed
        && settings.is_some_and(|settings| needs_nothing_else(settings, &context.config))
        && queue.rebase == Rebase::Done
        && queue.ended.is_empty()
        && queue.later_lists.until().is_none()
        && !queue.maybe_targeted
        && queue.plain_from <= context.steady
        && !state.waiting.any_for_tasks(name)
}

fn needs_nothing_else(settings: &QueueSettings, module: &ModuleConfig) -> bool {
    settings.paused.is_none()
        && settings.numbers.max_length(module) == 0
        && settings.numbers.retain(module) == 0
        && settings.numbers.events_level() == EventsLevel::Problems
        && !settings.has_ghosts()
}

/// Who claims tasks by a plain claim, from where, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimer {
    /// The number of the worker.
    pub worker: u32,
    /// The only priority with ready tasks.
    pub priority: u8,
    /// How long its claims last, ms.
    pub lease: Ms,
    /// Most claims at once in the queue; 0 for any number.
    pub concurrency: usize,
    /// How many more the rate allows.
    pub room: usize,
}

/// A worker that is known, and not told to take no more tasks, in a queue where all ready tasks have one priority.
pub(crate) fn claimer(state: &mut State, name: &Name, worker: &str, context: &Context) -> Option<Claimer> {
    let settings = state.known_queue(name)?.settings.clone()?;
    if let Some(known) = state.services.known(&settings.service)
        && (known.loading != Loading::Done || state.services.is_quiet(&settings.service, worker))
    {
        return None;
    }
    let queue = state.known_queue_mut(name)?;
    let room = |rate| queue.recent.room(rate, context.steady);
    let room = settings.rate.map_or(usize::MAX, room);
    let lists = queue.maybe_ready;
    Some(Claimer {
        worker: queue.workers.as_ref()?.number(worker)?,
        priority: lists.is_power_of_two().then(|| lists.trailing_zeros() as u8)?,
        lease: settings.numbers.lease(&context.config),
        concurrency: settings.numbers.concurrency(&context.config),
        room,
    })
}

/// Whether a claim of this popped task is plain.
pub(crate) fn is_ready(queue: &QueueState, header: &Header, priority: u8) -> bool {
    header.state == TaskState::Waiting && header.priority == priority && is_task(queue, header)
}

/// Whether the acknowledgement of the claim of this token is plain.
pub(crate) fn is_claimed(queue: &QueueState, header: &Header, token: u64) -> bool {
    header.state == TaskState::Claimed && header.fence == token && is_task(queue, header)
}

fn is_task(queue: &QueueState, header: &Header) -> bool {
    let dropped_below = queue.settings.as_ref().map_or(0, |settings| settings.dropped_below());
    header.flags == 0 && header.ghosts == 0 && header.kind == 0 && header.fence >= dropped_below
}

/// A task that is not plain was met: the general way is better for a while.
pub(crate) fn stop(state: &mut State, name: &Name, context: &Context) {
    if let Some(queue) = state.known_queue_mut(name) {
        queue.plain_from = context.steady.after(AGAIN);
    }
}

/// A task of this priority was added, ready at once.
pub(crate) fn added(state: &mut State, name: &Name, priority: u8) {
    state.count(name, |totals| totals.scheduled += 1).maybe_ready |= 1 << priority;
}

/// A task was claimed.
pub(crate) fn claimed(state: &mut State, name: &Name, header: &Header, id: &[u8], context: &Context) {
    let queue = state.count(name, |totals| totals.claimed += 1);
    if queue.settings.as_ref().is_some_and(|settings| settings.rate.is_some()) {
        queue.recent.record(context.steady, 1);
    }
    let held = Held {
        id: Id::from_slice(id),
        connection: None,
    };
    queue.hold(header.worker, header.fence, held);
    state.names.wake_at_steady(name, header.deadline(context.steady));
}

/// A claim was acknowledged.
pub(crate) fn acked(state: &mut State, name: &Name, header: &Header, context: &Context) {
    let run = header.run(context.wall);
    state.count(name, |totals| totals.acked += 1).record_run(run);
    claimed::forget_claim(state, name, header);
}
