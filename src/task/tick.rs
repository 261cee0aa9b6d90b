//! What time moves in one queue, a slice at a time.

mod compact;
mod ended;
mod expire;
mod promote;
mod rebase;
mod sweep;
pub mod workers;

use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::settings::Settings;
use crate::task::{ending, pause, take};
use crate::time::{SECOND, Steady, Wall};
use crate::unit::Unit;

/// One slice of everything that is due in the queue. Whether there is more to do at once.
///
/// A key of another type stops only what needs that key: it is passed over until somebody changes it.
pub fn run(unit: &mut Unit<'_>, name: &Name) {
    let steps: [(&str, Step); 8] = [
        ("its settings", unpause),
        ("claims that ended", ended::end_claims),
        ("a dropped queue", sweep::sweep),
        ("the claimed set", rebase::rebase),
        ("the scheduled set", promote::promote),
        ("a lease that ran out", expire::expire),
        ("a ready list", compact::compact),
        ("the dead set", trim),
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
    take::serve(unit, name);
    if more {
        unit.memory.agenda.now(name);
    }
    if let Err(error) = plan(unit, name) {
        unit.memory.skip_foreign(name, &format!("a moment to plan: {error}"));
    }
}

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

/// Puts the queue's next moments on the agenda.
fn plan(unit: &mut Unit<'_>, name: &Name) -> Answer<()> {
    let settings = super::settings(unit, name)?;
    if let Some((due, _)) = unit.keys.zlowest(name.index(Index::Scheduled), i64::MAX, 1)?.first() {
        unit.memory.agenda.at_wall(name, Wall(*due));
    }
    if let Some((deadline, _)) = unit.keys.zlowest(name.index(Index::Claimed), i64::MAX, 1)?.first() {
        let mut moment = Steady(*deadline);
        if moment <= unit.env.steady {
            // Due but held: look again when the hold ends, or after the next turn of the loop.
            let soon = unit.env.steady.after(1);
            let held = unit.memory.holds.until(unit.env.steady).unwrap_or(soon);
            moment = held.min(unit.env.steady.after(SECOND)).max(soon);
        }
        unit.memory.agenda.at_steady(name, moment);
    }
    if let Some((died, _)) = unit.keys.zlowest(name.index(Index::Dead), i64::MAX, 1)?.first() {
        let until = died.saturating_add(settings.dead_retain(&unit.env.settings));
        unit.memory.agenda.at_wall(name, Wall(until));
    }
    if let Some(until) = settings.paused.filter(|until| *until != i64::MAX) {
        unit.memory.agenda.at_wall(name, Wall(until));
    }
    Ok(())
}
