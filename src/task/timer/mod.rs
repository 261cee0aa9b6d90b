//! What time moves in one queue, a slice at a time.

mod compact;
pub(crate) mod ended;
mod expire;
mod promote;
mod rebase;
mod recheck;
mod repeat;
mod sweep;
mod unclaimed;
pub(crate) mod workers;

use crate::error::Result;
use crate::names::{Index, Key, Name, Part};
use crate::rate::Recent;
use crate::settings::QueueSettings;
use crate::task::commands::pause;
use crate::task::dispatch::serve;
use crate::task::index::{blocked, dependencies, done, targeted};
use crate::task::{self, lifecycle, outcome, worklist};
use crate::time::{Ms, SECOND, Steady, Wall};
use crate::tx::Tx;

/// One slice of everything that is due in the queue. Whether there is more to do at once.
///
/// A key of another type stops only what needs that key: it is passed over until somebody changes it.
pub(crate) fn run(tx: &mut Tx<'_>, name: &Name) {
    let steps: [(&str, Step); 18] = [
        ("its settings", unpause),
        ("claims that ended", ended::end_claims),
        ("a dropped queue", sweep::sweep),
        ("the claimed set", rebase::rebase),
        ("claims of members", recheck::recheck),
        ("a task nobody claimed", unclaimed::drop_unclaimed),
        ("the scheduled set", promote::promote),
        ("recurring tasks", repeat::repeat),
        ("a lease that ran out", expire::expire),
        ("tasks that wait for others", dependencies::go_on),
        ("the blocked set", blocked::review),
        ("tasks of a worker that went", targeted::untarget::go_on),
        ("tasks for one worker", targeted::review),
        ("a ready list", compact::compact),
        ("the dead set", trim),
        ("unique keys", unclaimed::free_keys),
        ("the done set", done::trim),
        ("tasks that are waited for", outcome::look),
    ];
    let mut more = false;
    for (what, step) in steps {
        match task::settings(tx, name).and_then(|settings| step(tx, name, &settings)) {
            Ok(again) => more |= again,
            Err(error) => tx.state.skip_foreign(name, &format!("{what}: {error}")),
        }
    }
    if let Err(error) = workers::clean(tx, name) {
        tx.state.skip_foreign(name, &format!("the workers: {error}"));
    }
    serve::serve(tx, name);
    worklist::settle(tx);
    if more {
        tx.state.wakeups.now(name);
    }
    if let Err(error) = plan(tx, name) {
        tx.state.skip_foreign(name, &format!("a moment to plan: {error}"));
    }
}

/// What could not be dealt with is tried again after this long, ms.
const RETRY: Ms = SECOND;
/// A lease that is held for another turn of the event loop is looked at again after this long, ms.
const TURN: Ms = 10;

type Step = fn(&mut Tx<'_>, &Name, &QueueSettings) -> Result<bool>;

/// Ends a pause whose time is over.
fn unpause(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    if settings.paused.is_some_and(|until| until <= tx.context.wall.0) {
        pause::end(tx, name)?;
    }
    Ok(false)
}

/// Keeps the dead tasks within their limits.
fn trim(tx: &mut Tx<'_>, name: &Name, settings: &QueueSettings) -> Result<bool> {
    lifecycle::trim_dead(tx, name, settings)
}

/// Puts the queue's next moments on the wakeups. One that has passed was tried in this slice and could not be
/// dealt with: because of a hold, or of a key of another type. It is tried again later.
fn plan(tx: &mut Tx<'_>, name: &Name) -> Result<()> {
    let (now, retry) = (tx.context.steady, tx.context.steady.after(RETRY));
    if !tx.state.queue(name).ended.is_empty() {
        tx.state.wakeups.at_steady(name, retry);
    }
    let settings = task::settings(tx, name)?;
    if settings.rate.is_none() {
        tx.state.queue(name).recent = Recent::default();
    }
    let queue = tx.state.queue(name);
    let (expiring, unique_until) = (queue.maybe_expiring, queue.maybe_unique_until);
    let mut first = |key: Key<'_>| -> Result<Option<i64>> {
        let lowest = tx.keys.zlowest(key, i64::MAX, 1)?;
        Ok(lowest.first().map(|(score, _)| *score))
    };
    let mut of_index = |index: Index| first(name.index(index));
    let (due, deadline, died) = (
        of_index(Index::Scheduled)?,
        of_index(Index::Claimed)?,
        of_index(Index::Dead)?,
    );
    // One of these of another type keeps none of the others from its moment.
    let mut first_if = |there: bool, part| {
        if there {
            first(name.of_queue(part)).unwrap_or(None)
        } else {
            None
        }
    };
    let unclaimed = first_if(expiring, Part::Expiring);
    let freed = first_if(unique_until, Part::UniqueUntil);
    let gone = died.map(|died| died.saturating_add(settings.dead_retain(&tx.context.config)));
    let kept = done::next(tx, name)?;
    let resumed = settings.paused.filter(|until| *until != i64::MAX);
    let next = repeat::next(tx, name)?;
    for moment in [due, gone, kept, resumed, unclaimed, freed, next]
        .into_iter()
        .flatten()
        .map(Wall)
    {
        if moment > tx.context.wall {
            tx.state.wakeups.at_wall(name, moment);
        } else {
            tx.state.wakeups.at_steady(name, retry);
        }
    }
    if let Some(deadline) = deadline.map(Steady).filter(|deadline| *deadline != Steady::NEVER) {
        let moment = if deadline > now {
            deadline
        } else {
            // Held until then, or for another turn of the loop.
            let turn = now.after(TURN);
            tx.state.stalls.until(now).unwrap_or(turn).clamp(turn, retry)
        };
        tx.state.wakeups.at_steady(name, moment);
    }
    Ok(())
}
