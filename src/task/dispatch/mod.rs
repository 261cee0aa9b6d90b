//! Claim requests against ready tasks: served at once for the client that asks, later (`serve`) for those that wait.

pub(crate) mod limits;
pub(crate) mod serve;

use smallvec::SmallVec;

use crate::error::Result;
use crate::names::{Id, Index};
use crate::reply::Reply;
use crate::state::queue::claims::BoundClaim;
use crate::state::queue::{ALL_READY, Held, Rebase};
use crate::task::handle::{Loaded, Queue, Task};
use crate::task::header::{HEADER_LEN, WITH_MEMBER};
use crate::task::index::targeted::{self, OwnTasks};
use crate::task::index::{claimed, group, ready};
use crate::task::{kind, lifecycle, worker};
use crate::time::{MAX_LEASE, Ms, Steady};
use crate::waiting::{ClaimRequest, Lease};

/// Ghosts that one claim removes before it leaves the rest to the timer: a million would stall the server for a third
/// of a second.
const PASSED_OVER: usize = 1_000;
/// Bytes of payload after which a reply takes no further task.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// The outcome of a claim request.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// The tasks as replied to the client.
    pub tasks: Vec<Reply>,
    /// The tasks and tokens, in the same order.
    pub tokens: SmallVec<[(Id, u64); 1]>,
    /// Whether it gave up at ghosts while tasks may be ready behind them.
    pub unsure: bool,
    /// Whether the worker is quiet: a signal told it to take no more work.
    pub quiet: bool,
}

/// How many ghosts a claim may pass over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// `PASSED_OVER`; the client can wait for the timer.
    Bounded,
    /// Any number: in MULTI or a script the client cannot wait.
    Thorough,
}

/// Where a claim may find tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offer {
    /// Bit p: the ready list of priority p is not empty.
    lists: u16,
    /// Tasks targeted at this worker may be ready.
    own: bool,
}

impl Offer {
    fn is_nothing(self) -> bool {
        self == Offer::default()
    }

    fn has_list(self, priority: u8) -> bool {
        self.lists & (1 << priority) != 0
    }
}

/// A claim that was made.
struct Claim {
    id: Id,
    worker: u32,
    token: u64,
    deadline: Steady,
}

/// Claims up to `request.count` ready tasks within the queue's limits: the most urgent and oldest first, and of each
/// priority first those targeted at this worker. Claims none while the queue is paused or the worker quiet. The caller
/// has called `worker::ensure_may_claim`.
pub(crate) fn claim(queue: &mut Queue<'_>, request: &ClaimRequest, effort: Effort) -> Result<Claimed> {
    if worker::is_quiet(queue, &request.worker) {
        return Ok(Claimed {
            quiet: true,
            ..Claimed::default()
        });
    }
    if queue.is_paused() {
        targeted::serve_worker_later(queue, &request.worker);
        return Ok(Claimed::default());
    }
    let offer = ensure_claim_types(queue, &request.worker)?;
    let most = if offer.is_nothing() {
        0
    } else {
        request.count.min(limits::room(queue)?)
    };
    if most == 0 && offer.own {
        targeted::serve_worker_later(queue, &request.worker);
    }
    let mut budget = match effort {
        Effort::Bounded => PASSED_OVER,
        Effort::Thorough => usize::MAX,
    };
    let (mut claimed, claims) = take(queue, request, offer, most, &mut budget)?;
    if !claims.is_empty() {
        store(queue, &claims)?;
        remember(queue, request, claims);
    } else if budget == 0 {
        claimed.unsure = ready::has_any(queue)? || targeted::has_any(queue, &request.worker);
        targeted::serve_worker_later(queue, &request.worker);
        queue.memory().trim = true;
        queue.wake_now();
    }
    Ok(claimed)
}

/// Errors with `WrongType` unless every key that a claim may write has the right type, so that nothing is popped in
/// vain.
pub(crate) fn ensure_types(queue: &mut Queue<'_>, worker: &str) -> Result<()> {
    ensure_claim_types(queue, worker).map(|_| ())
}

/// The same; returns where there may be tasks to claim.
fn ensure_claim_types(queue: &mut Queue<'_>, worker: &str) -> Result<Offer> {
    let now = queue.context.steady;
    let memory = queue.state.known_queue_mut(&queue.name);
    let maybe = memory.map_or(!0, |memory| memory.maybe_ready | memory.later_lists.take_expired(now));
    let mut lists = 0;
    for priority in ready::priorities(maybe) {
        if queue.keys.llen(queue.name.ready(priority))? > 0 {
            lists |= 1 << priority;
        }
    }
    if let Some(memory) = queue.state.known_queue_mut(&queue.name) {
        memory.maybe_ready = lists;
    }
    let own = targeted::has_any(queue, worker);
    let offer = Offer { lists, own };
    if !offer.is_nothing() {
        claimed::ensure_types(queue)?;
        ready::ensure_ghost_counts(queue)?;
        if queue.worker_numbers()?.number(worker).is_none() {
            queue.keys.ensure_type(queue.name.workers())?;
        }
    }
    Ok(offer)
}

/// Pops tasks and makes them claims of the worker, `most` at most.
fn take(
    queue: &mut Queue<'_>,
    request: &ClaimRequest,
    offer: Offer,
    most: usize,
    budget: &mut usize,
) -> Result<(Claimed, SmallVec<[Claim; 4]>)> {
    let mut claimed = Claimed::default();
    let mut claims: SmallVec<[Claim; 4]> = SmallVec::new();
    let mut bytes = 0;
    let mut own = OwnTasks::new(&request.worker, offer.own, most);
    for priority in ready::priorities(if offer.own { ALL_READY } else { offer.lists }) {
        while claims.len() < most && (claims.is_empty() || bytes < MAX_PAYLOAD) && *budget > 0 {
            let mut next = own.pop(queue, priority, budget)?;
            if next.is_none() && offer.has_list(priority) {
                next = ready::pop(queue, priority, budget)?;
            }
            let Some(Loaded { mut task, value }) = next else {
                break;
            };
            bytes += value.len().saturating_sub(HEADER_LEN);
            claims.push(claim_one(queue, request, &mut task)?);
            claimed.tokens.push((Id::from_slice(&task.id), task.header.fence));
            claimed.tasks.push(render(queue, request, &task, value));
        }
        if claims.len() >= most || *budget == 0 {
            break;
        }
    }
    Ok((claimed, claims))
}

fn claim_one(queue: &mut Queue<'_>, request: &ClaimRequest, task: &mut Task) -> Result<Claim> {
    let worker = queue.number_worker(&request.worker)?;
    let lease = match request.lease {
        Some(Lease::For(ms)) => ms,
        Some(Lease::Member) => WITH_MEMBER,
        None => match task.options(queue).lease {
            // A lease edited by hand must not become an endless one.
            Some(lease) => lease.clamp(1, MAX_LEASE),
            None => queue.settings.numbers.lease(&queue.context.config),
        },
    };
    let token = lifecycle::claim(queue, task, worker, lease)?;
    Ok(Claim {
        id: Id::from_slice(&task.id),
        worker,
        token,
        deadline: task.header.deadline(queue.context.steady),
    })
}

/// Writes the claims to the claimed set.
fn store(queue: &mut Queue<'_>, claims: &[Claim]) -> Result<()> {
    let index = queue.name.index(Index::Claimed);
    let walking = queue.state.queue(&queue.name).rebase == Rebase::Walking(0, 0);
    if walking && queue.keys.zcard(index)? == 0 {
        // No claim is left from another process.
        let memory = queue.state.queue(&queue.name);
        memory.rebase = Rebase::Done;
        memory.revoked.clear();
    }
    let members: SmallVec<[(Ms, &[u8]); 4]> = claims
        .iter()
        .map(|claim| (claim.deadline.0, claim.id.as_slice()))
        .collect();
    queue.keys.zadd(index, &members)?;
    let first = claims.iter().map(|claim| claim.deadline).min();
    if let Some(first) = first.filter(|first| *first != Steady::NEVER) {
        queue.wake_at_steady(first);
    }
    Ok(())
}

/// Updates memory and counts.
fn remember(queue: &mut Queue<'_>, request: &ClaimRequest, claims: SmallVec<[Claim; 4]>) {
    if let Some(connection) = request.bind {
        for claim in &claims {
            let bound = BoundClaim {
                queue: queue.name.clone(),
                id: claim.id.clone(),
                worker: claim.worker,
            };
            queue.state.bind(connection, claim.token, bound);
        }
    }
    let now = queue.context.steady;
    let limited = queue.settings.rate.is_some();
    let memory = queue.count(|totals| totals.claimed += claims.len() as u64);
    if limited {
        memory.recent.record(now, claims.len());
    }
    for Claim { id, worker, token, .. } in claims {
        let connection = request.bind;
        memory.hold(worker, token, Held { id, connection });
    }
}

/// A claim as replied to its worker.
pub(crate) fn render(queue: &mut Queue<'_>, request: &ClaimRequest, task: &Task, value: Vec<u8>) -> Reply {
    let header = &task.header;
    let mut map = Vec::with_capacity(if request.full { 11 } else { 6 });
    if request.named {
        map.push(("queue", Reply::text(queue.name.text())));
    }
    map.push(("id", Reply::Id(Id::from_slice(&task.id))));
    map.push(("token", Reply::number(header.fence)));
    map.push(("attempt", Reply::number(header.attempt())));
    if request.full {
        if !request.named {
            map.push(("queue", Reply::text(queue.name.text())));
        }
        map.push(("due_at", Reply::Int(header.due.0)));
        map.push(("priority", Reply::Int(i64::from(header.priority))));
        map.push(("deliveries", Reply::number(header.deliveries)));
        map.push(("lease_ms", Reply::int_or_null(header.lease())));
        map.push(("group", group::of(queue, task).map_or(Reply::Null, Reply::text)));
    }
    map.push((
        "kind",
        kind::of(queue, task).map_or(Reply::Null, |kind| Reply::text(&*kind)),
    ));
    map.push(("payload", Reply::Tail(value, HEADER_LEN)));
    Reply::Map(map)
}
