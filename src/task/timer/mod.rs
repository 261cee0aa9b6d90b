//! The timer's work on one queue, a slice at a time.

mod compact;
mod ended;
mod expire;
pub(crate) mod history;
mod kept;
mod kinds;
mod leftover;
mod member_claims;
mod pace;
mod promote;
mod rebase;
mod repeat;
mod unclaimed;
mod workers;

use crate::error::Result;
use crate::names::{Index, Name, Part, Place};
use crate::rate::Recent;
use crate::task::handle::Queue;
use crate::task::index::{done, targeted};
use crate::task::{outcome, repair, sweep, worklist};
use crate::time::{Steady, Wall};
use crate::tx::Tx;
use pace::{RETRY, TURN};

/// A step: one slice of one kind of work. Returns whether there is more to do at once.
type Step = fn(&mut Queue<'_>) -> Result<bool>;

/// The steps, in order, with what the log calls them when a key of another type is in the way.
const STEPS: [(&str, Step); 19] = [
    ("its settings", end_pause),
    ("claims that ended", ended::end_claims),
    ("a dropped queue", sweep::sweep),
    ("the claimed set", rebase::rebase),
    ("claims of members", member_claims::rescan),
    ("a task nobody claimed", unclaimed::drop_unclaimed),
    ("the scheduled set", promote::promote),
    ("recurring tasks", repeat::repeat),
    ("a lease that ran out", expire::expire),
    ("tasks that wait for others", worklist::resume_dependents),
    ("the blocked set", repair::rescan_blocked),
    ("tasks of a worker that went", targeted::release::go_on),
    ("tasks for one worker", targeted::rescan),
    ("a ready list", compact::compact),
    ("the dead set", kept::trim_dead),
    ("unique keys", unclaimed::free_keys),
    ("the done set", kept::trim_done),
    ("tasks that are waited for", outcome::rescan),
    ("a stream of events", leftover::remove_events),
];

/// Does one slice of everything that is due in the queue, and what follows from it. Plans the queue's next moment.
///
/// A key of another type stops only the steps that need it, until somebody repairs it.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    let mut more = false;
    for (what, step) in STEPS {
        more |= with_queue(tx, name, what, step).unwrap_or(false);
    }
    more |= with_queue(tx, name, "the workers", workers::clean).unwrap_or(false);
    more |= with_queue(tx, name, "the kinds", kinds::clean).unwrap_or(false);
    with_queue(tx, name, "the clients that wait", |queue| {
        // Another client may have changed who is quiet.
        queue.state.waiting.readmit(&queue.name);
        queue.serve_waiters();
        Ok(())
    });
    worklist::run(tx);
    if more {
        tx.state.names.wake_now(name);
    }
    with_queue(tx, name, "a moment to plan", plan);
}

fn with_queue<R>(
    tx: &mut Tx<'_>,
    name: &Name,
    what: &str,
    work: impl FnOnce(&mut Queue<'_>) -> Result<R>,
) -> Option<R> {
    let done = Queue::open(tx, name.clone()).and_then(|mut queue| work(&mut queue));
    done.inspect_err(|error| tx.state.log_skip(name, &format!("{what}: {error}")))
        .ok()
}

/// Ends a pause whose time is over.
fn end_pause(queue: &mut Queue<'_>) -> Result<bool> {
    if queue.settings.paused.is_some_and(|until| until <= queue.context.wall.0) {
        queue.resume()?;
    }
    Ok(false)
}

/// Plans the queue's next moments. If one has passed, this slice could not deal with it, because of a stall or a key of
/// another type: it is tried again later.
fn plan(queue: &mut Queue<'_>) -> Result<()> {
    let retry = queue.context.steady.after(RETRY);
    if !queue.memory().ended.is_empty() {
        queue.wake_at_steady(retry);
    }
    if queue.settings.rate.is_none() {
        queue.memory().recent = Recent::default();
    }
    let memory = queue.memory();
    let (expiring, unique_until) = (memory.maybe_expiring, memory.maybe_unique_until);
    let due = first(queue, Index::Scheduled.place())?;
    let deadline = first(queue, Index::Claimed.place())?;
    let died = first(queue, Index::Dead.place())?;
    let retain = queue.settings.numbers.dead_retain(&queue.context.config);
    let moments = [
        due,
        died.map(|died| died.saturating_add(retain)),
        done::next(queue)?,
        queue.settings.paused.filter(|until| *until != i64::MAX),
        // A key of another type must not keep the other moments from being planned.
        expiring
            .then(|| first(queue, Place::Once(Part::Expiring)).unwrap_or(None))
            .flatten(),
        unique_until
            .then(|| first(queue, Place::Once(Part::UniqueUntil)).unwrap_or(None))
            .flatten(),
        repeat::next(queue)?,
        leftover::next(queue),
    ];
    for moment in moments.into_iter().flatten().map(Wall) {
        if moment > queue.context.wall {
            queue.wake_at(moment);
        } else {
            queue.wake_at_steady(retry);
        }
    }
    plan_lease(queue, deadline.map(Steady));
    let memory = queue.memory();
    let unreadable = [memory.later_lists.until(), memory.later_targets];
    for again in unreadable.into_iter().flatten() {
        // Lists whose moment has passed are tried by the next claim.
        if again > queue.context.steady {
            queue.wake_at_steady(again);
        }
    }
    Ok(())
}

/// The score of the first member of a sorted set.
fn first(queue: &mut Queue<'_>, place: Place<'static>) -> Result<Option<i64>> {
    let lowest = queue.keys.zlowest(queue.name.key(place), i64::MAX, 1)?;
    Ok(lowest.first().map(|(score, _)| *score))
}

/// Plans the moment at which the first lease ends.
fn plan_lease(queue: &mut Queue<'_>, deadline: Option<Steady>) {
    let Some(deadline) = deadline.filter(|deadline| *deadline != Steady::NEVER) else {
        return;
    };
    let now = queue.context.steady;
    let moment = if deadline > now {
        deadline
    } else {
        // Expiry is delayed until then, or for another turn of the event loop.
        let turn = now.after(TURN);
        let until = queue.state.stalls.until(now).unwrap_or(turn);
        until.clamp(turn, now.after(RETRY))
    };
    queue.wake_at_steady(moment);
}
