//! Handing ready tasks to workers: at once to the one that asks, later to those that wait.

pub(crate) mod limits;
pub(crate) mod serve;

use smallvec::SmallVec;

use crate::error::Result;
use crate::keyspace::Type;
use crate::names::{Id, Index, Name, PRIORITIES};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::state::queue::claims::BoundClaim;
use crate::state::queue::{Held, Rebase};
use crate::task::header::{CANCELLED, GROUPED, HEADER, Record, TaskState, WITH_MEMBER};
use crate::task::index::targeted::{self, Mine};
use crate::task::index::{expiry, ready};
use crate::task::options::{self, Options};
use crate::task::{self, worker};
use crate::time::{MAX_LEASE, Ms, Steady};
use crate::tx::{Response, Tx};
use crate::waiting::{ClaimRequest, Lease, Timeout, WaitFor};

/// Ids one claim passes over before it leaves the rest to the tick: a million would stall the server for
/// a third of a second.
const PASS_OVER: usize = 1_000;
/// Bytes of payload after which one reply takes no further task.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// What a claim came to.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The tasks as the client is shown them.
    pub tasks: Vec<Reply>,
    /// The tasks and tokens, in the same order.
    pub claims: Vec<(Id, u64)>,
    /// Whether it gave up at ghosts with something that counts behind them.
    pub unsure: bool,
    /// Whether the worker was told to take no more work.
    pub quiet: bool,
}

/// How far a claim goes through ghosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// `PASS_OVER` of them; the client can be made to wait for the tick.
    Bounded,
    /// To the end: in MULTI or a script nobody can wait.
    Thorough,
}

struct Claim {
    id: Id,
    worker: u32,
    token: u64,
    deadline: Steady,
}

/// A task to be claimed.
#[derive(Debug)]
pub(crate) struct Live {
    /// Its id.
    pub id: Id,
    /// Its header.
    pub record: Record,
    /// The whole value: the payload begins behind the header.
    pub value: Vec<u8>,
}

/// What a claim may find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Bit p: the ready list of priority p has something.
    lists: u16,
    /// Something may be ready for this worker alone.
    own: bool,
}

impl Offer {
    fn is_nothing(self) -> bool {
        self == Offer::default()
    }
}

/// Claims up to `want.count` ready tasks and no more than the queue's limits allow, the most urgent and oldest first,
/// of each priority first those that are for this worker alone.
/// Takes none while the queue is paused or the worker quiet. The caller has checked that the worker may hold what it
/// wants (`worker::check`).
pub(crate) fn take(tx: &mut Tx<'_>, name: &Name, want: &ClaimRequest, effort: Effort) -> Result<Taken> {
    let settings = task::settings(tx, name)?;
    let mut taken = Taken {
        quiet: worker::is_quiet(tx, &settings.service, &want.worker),
        ..Taken::default()
    };
    if taken.quiet {
        return Ok(taken);
    }
    if is_paused(&settings, tx) {
        targeted::owe_later(tx, name, &want.worker);
        return Ok(taken);
    }
    let offer = check(tx, name, &want.worker)?;
    let most = if offer.is_nothing() {
        0
    } else {
        want.count.min(limits::room(tx, name, &settings)?)
    };
    if most == 0 && offer.own {
        targeted::owe_later(tx, name, &want.worker);
    }
    let mut budget = match effort {
        Effort::Bounded => PASS_OVER,
        Effort::Thorough => usize::MAX,
    };
    let mut claims: SmallVec<[Claim; 4]> = SmallVec::new();
    let mut bytes = 0;
    let mut own = Mine::new(&want.worker, offer.own);
    for priority in (0..PRIORITIES).filter(|priority| offer.own || offer.lists & (1 << priority) != 0) {
        while claims.len() < most && (claims.is_empty() || bytes < MAX_PAYLOAD) && budget > 0 {
            let mut live = own.take(tx, name, priority, &settings, most, &mut budget)?;
            if live.is_none() && offer.lists & (1 << priority) != 0 {
                live = pop(tx, name, priority, &settings, &mut budget)?;
            }
            let Some(live) = live else {
                break;
            };
            bytes += live.value.len().saturating_sub(HEADER);
            let worker = worker_number(tx, name, &want.worker)?;
            claims.push(claim(tx, name, want, worker, &settings, live, &mut taken)?);
        }
        if claims.len() >= most || budget == 0 {
            break;
        }
    }
    if claims.is_empty() && budget == 0 {
        // The ghost counts have changed: read them again.
        let settings = task::settings(tx, name)?;
        taken.unsure = ready::listed(tx, name, &settings)? > 0 || targeted::any(tx, name, &want.worker);
        targeted::owe_later(tx, name, &want.worker);
        tx.state.queue(name).trim = true;
        tx.state.wakeups.now(name);
    }
    if let Some(first) = claims.iter().map(|claim| claim.deadline).min() {
        let queue = tx.state.queue(name);
        if queue.rebase == Rebase::Walking(0, 0) && tx.keys.zcard(name.index(Index::Claimed))? == 0 {
            // No claim is another process's.
            queue.rebase = Rebase::Done;
            queue.departed.clear();
        }
        let members: SmallVec<[(Ms, &[u8]); 4]> = claims
            .iter()
            .map(|claim| (claim.deadline.0, claim.id.as_slice()))
            .collect();
        tx.keys.zadd(name.index(Index::Claimed), &members)?;
        drop(members);
        if first != Steady::NEVER {
            tx.state.wakeups.at_steady(name, first);
        }
        if settings.rate.is_some() {
            let now = tx.context.steady;
            tx.state.queue(name).recent.note(now, claims.len());
        }
        note(tx, name, want, claims);
    }
    Ok(taken)
}

/// Remembers who holds what, and counts.
fn note(tx: &mut Tx<'_>, name: &Name, want: &ClaimRequest, claims: SmallVec<[Claim; 4]>) {
    let count = claims.len() as u64;
    tx.state.totals.claimed += count;
    if let Some(connection) = want.bind {
        for claim in &claims {
            let bound = BoundClaim {
                queue: name.clone(),
                id: claim.id.clone(),
                worker: claim.worker,
            };
            tx.state.bind(connection, claim.token, bound);
        }
    }
    let now = tx.context.steady;
    let queue = tx.state.queue(name);
    queue.totals.claimed += count;
    queue.used = now;
    for Claim { id, worker, token, .. } in claims {
        queue.active.insert(worker);
        let connection = want.bind;
        queue.claims.insert(worker, token, Held { id, connection });
    }
}

/// Whether the queue hands out nothing now.
pub(crate) fn is_paused(settings: &QueueSettings, tx: &Tx<'_>) -> bool {
    settings.paused.is_some_and(|until| until > tx.context.wall.0)
}

/// Checks all keys a claim may write, so that nothing is popped in vain; replies what there may be to claim.
pub(crate) fn check(tx: &mut Tx<'_>, name: &Name, worker: &str) -> Result<Offer> {
    let maybe = tx.state.known_queue(name).map_or(!0, |queue| queue.maybe_ready);
    let mut lists = 0;
    for priority in (0..PRIORITIES).filter(|priority| maybe & (1 << priority) != 0) {
        if tx.keys.llen(name.ready(priority))? > 0 {
            lists |= 1 << priority;
        }
    }
    if let Some(queue) = tx.state.known_queue_mut(name) {
        queue.maybe_ready = lists;
    }
    let own = targeted::any(tx, name, worker);
    let offer = Offer { lists, own };
    if !offer.is_nothing() {
        tx.keys.ensure_type(name.index(Index::Claimed), Type::SortedSet)?;
        let settings = task::settings(tx, name)?;
        ready::ensure_ghost_counts(tx, name, &settings)?;
        if task::worker_numbers(tx, name)?.number(worker).is_none() {
            tx.keys.ensure_type(name.workers(), Type::Hash)?;
        }
    }
    Ok(offer)
}

/// The next id of the list that counts, with its task. Ids that do not count are used up on the way.
fn pop(
    tx: &mut Tx<'_>,
    name: &Name,
    priority: u8,
    settings: &QueueSettings,
    budget: &mut usize,
) -> Result<Option<Live>> {
    let mut ghosts = 0;
    let mut live = None;
    while *budget > 0 {
        let Some(id) = tx.keys.lpop(name.ready(priority))? else {
            break;
        };
        let value = tx.keys.get(name.task(&id)).unwrap_or(None);
        let record = value.as_deref().and_then(Record::read);
        match (record, value) {
            (Some(record), Some(value)) if ready::counts(&record, priority, settings) => {
                live = Some(Live { id, record, value });
                break;
            }
            (record, _) => {
                *budget -= 1;
                ghosts += i64::from(ready::discard(tx, name, &id, priority, record)?);
            }
        }
    }
    ready::change_ghosts(tx, name, priority, -ghosts)?;
    Ok(live)
}

fn claim(
    tx: &mut Tx<'_>,
    name: &Name,
    want: &ClaimRequest,
    worker: u32,
    settings: &QueueSettings,
    live: Live,
    taken: &mut Taken,
) -> Result<Claim> {
    let Live { id, mut record, value } = live;
    let wanted = want.lease.map(|lease| match lease {
        Lease::For(ms) => ms,
        Lease::Member => WITH_MEMBER,
    });
    let options = if wanted.is_none() || want.full {
        options::options(tx.keys, name, &id, &record)
    } else {
        Options::default()
    };
    let lease = match (wanted, options.lease) {
        (Some(lease), _) => lease,
        // One edited by hand must not become one that never ends.
        (None, Some(lease)) => lease.clamp(1, MAX_LEASE),
        (None, None) => settings.lease(&tx.context.config),
    };
    let token = tx.next_fence(record.fence);
    record.state = TaskState::Claimed;
    record.flags &= !CANCELLED;
    record.deliveries += 1;
    record.worker = worker;
    record.lease = lease;
    record.fence = token;
    tx.keys.set_start(name.task(&id), &record.write())?;
    expiry::forget(tx, name, &id, &record);
    let group = options.group.filter(|_| record.has(GROUPED));
    taken.tasks.push(show(name, want, &id, &record, value, group));
    taken.claims.push((id.clone(), token));
    Ok(Claim {
        id,
        worker,
        token,
        deadline: record.deadline(tx.context.steady),
    })
}

fn show(name: &Name, want: &ClaimRequest, id: &[u8], record: &Record, value: Vec<u8>, group: Option<String>) -> Reply {
    let queue = || ("queue", Reply::text(name.text()));
    let mut map = Vec::with_capacity(if want.full { 10 } else { 5 });
    if want.named {
        map.push(queue());
    }
    map.push(("id", Reply::Id(Id::from_slice(id))));
    map.push(("token", Reply::number(record.fence)));
    map.push(("attempt", Reply::number(record.attempt())));
    map.push(("payload", Reply::Tail(value, HEADER)));
    if want.full {
        if !want.named {
            map.push(queue());
        }
        map.push(("due", Reply::Int(record.due.0)));
        map.push(("priority", Reply::Int(i64::from(record.priority))));
        map.push(("deliveries", Reply::number(record.deliveries)));
        map.push(("lease", Reply::int_or_null(record.lease())));
        map.push(("group", group.map_or(Reply::Null, Reply::text)));
    }
    Reply::Map(map)
}

/// The number of a worker; a new one is written to the workers hash.
fn worker_number(tx: &mut Tx<'_>, name: &Name, worker: &str) -> Result<u32> {
    let numbers = task::worker_numbers(tx, name)?;
    if let Some(number) = numbers.number(worker) {
        return Ok(number);
    }
    let number = numbers.free();
    numbers.insert(number, worker.to_string());
    let field = number.to_string();
    tx.keys.hset(name.workers(), &[(field.as_bytes(), worker.as_bytes())])?;
    let check = tx.context.steady.after(task::timer::workers::CHECK);
    tx.state.wakeups.at_steady(name, check);
    Ok(number)
}

/// What a claim command answers: tasks, the wait, or nothing.
pub(crate) fn outcome(taken: Taken, wait: Option<Timeout>, names: &[Name], want: ClaimRequest) -> Response {
    if !taken.tasks.is_empty() {
        return Response::Reply(Reply::Array(taken.tasks));
    }
    if taken.quiet {
        return Response::Reply(Reply::NullArray);
    }
    match wait.or(taken.unsure.then_some(Timeout::Sweep)) {
        Some(patience) => Response::Wait(WaitFor::Tasks(names.to_vec(), want), patience),
        None => Response::Reply(Reply::NullArray),
    }
}
