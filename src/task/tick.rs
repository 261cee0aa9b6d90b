//! What time moves in one queue, a slice at a time.

mod compact;
pub mod ended;
mod expire;
mod promote;
mod rebase;
mod recheck;
mod repeat;
mod sweep;
mod unclaimed;
pub mod workers;

use crate::keyspace::Answer;
use crate::names::{Index, Name, Part};
use crate::rate::Recent;
use crate::settings::Settings;
use crate::task::{addressed, after, blocked, conclusion, ending, pause, retain, serve, settle};
use crate::time::{Ms, SECOND, Steady, Wall};
use crate::unit::Unit;

/// One slice of everything that is due in the queue. Whether there is more to do at once.
///
/// A key of another type stops only what needs that key: it is passed over until somebody changes it.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
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
        ("tasks that wait for others", after::go_on),
        ("the blocked set", blocked::review),
        ("tasks of a worker that went", addressed::void::go_on),
        ("tasks for one worker", addressed::review),
        ("a ready list", compact::compact),
        ("the dead set", trim),
        ("unique keys", unclaimed::free_keys),
        ("the done set", retain::trim),
        ("tasks that are waited for", conclusion::look),
    ];
    let mut more = false;
    for (what, step) in steps {
        match super::settings(unit, name).and_then(|settings| step(unit, name, &settings)) {
            Ok(again) => more |= again,
            Err(error) => unit.memory.skip_foreign(name, &format!("{what}: {error}")),
        }
    }
    if let Err(error) = workers::clean(unit, name) {
        unit.memory.skip_foreign(name, &format!("the workers: {error}"));
    }
    serve::serve(unit, name);
    settle::settle(unit);
    if more {
        unit.memory.agenda.now(name);
    }
    if let Err(error) = plan(unit, name) {
        unit.memory.skip_foreign(name, &format!("a moment to plan: {error}"));
    }
}

/// What could not be dealt with is tried again after this long, ms.
const RETRY: Ms = SECOND;
/// A lease that is held for another turn of the event loop is looked at again after this long, ms.
const TURN: Ms = 10;

type Step = fn(&mut Unit<'_>, &Name, &Settings) -> Answer<bool>;

/// Ends a pause whose time is over.
fn unpause(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    if settings.paused.is_some_and(|until| until <= unit.env.wall.0) {
        pause::end(unit, name)?;
    }
    Ok(false)
}

/// Keeps the dead tasks within their limits.
fn trim(unit: &mut Unit<'_>, name: &Name, settings: &Settings) -> Answer<bool> {
    ending::trim_dead(unit, name, settings)
}

/// Puts the queue's next moments on the agenda. One that has passed was tried in this slice and could not be
/// dealt with: because of a hold, or of a key of another type. It is tried again later.
fn plan(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let (now, retry) = (unit.env.steady, unit.env.steady.after(RETRY));
    if !unit.memory.queue(name).ended.is_empty() {
        unit.memory.agenda.at_steady(name, retry);
    }
    let settings = super::settings(unit, name)?;
    if settings.rate.is_none() {
        unit.memory.queue(name).recent = Recent::default();
    }
    let queue = unit.memory.queue(name);
    let (expiring, unique_until) = (queue.maybe_expiring, queue.maybe_unique_until);
    let mut first = |part: Part<'static>| -> Answer<Option<i64>> {
        let lowest = unit.keys.zlowest(name.of_queue(part), i64::MAX, 1)?;
        Ok(lowest.first().map(|(score, _)| *score))
    };
    let mut of_index = |index: Index| first(Part::Index(index));
    let (due, deadline, died) = (
        of_index(Index::Scheduled)?,
        of_index(Index::Claimed)?,
        of_index(Index::Dead)?,
    );
    // One of these of another type keeps none of the others from its moment.
    let mut first_if = |there: bool, part| if there { first(part).unwrap_or(None) } else { None };
    let unclaimed = first_if(expiring, Part::Expiring);
    let freed = first_if(unique_until, Part::UniqueUntil);
    let gone = died.map(|died| died.saturating_add(settings.dead_retain(&unit.env.settings)));
    let kept = retain::next(unit, name)?;
    let resumed = settings.paused.filter(|until| *until != i64::MAX);
    let next = repeat::next(unit, name)?;
    for moment in [due, gone, kept, resumed, unclaimed, freed, next]
        .into_iter()
        .flatten()
        .map(Wall)
    {
        if moment > unit.env.wall {
            unit.memory.agenda.at_wall(name, moment);
        } else {
            unit.memory.agenda.at_steady(name, retry);
        }
    }
    if let Some(deadline) = deadline.map(Steady).filter(|deadline| *deadline != Steady::NEVER) {
        let moment = if deadline > now {
            deadline
        } else {
            // Held until then, or for another turn of the loop.
            let turn = now.after(TURN);
            unit.memory.holds.until(now).unwrap_or(turn).clamp(turn, retry)
        };
        unit.memory.agenda.at_steady(name, moment);
    }
    Ok(())
}
