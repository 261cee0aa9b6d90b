//! Handing tasks to the clients that wait: called in the unit that made something ready, or something ready claimable.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::take::{Effort, check, is_paused, take};
use crate::task::{limits, member, ready};
use crate::unit::Unit;
use crate::waiting::{Handed, Ticket, Want};

/// Serves the clients that wait in the queue's line, longest wait first, until one gets nothing. Those that may not
/// take work, or not in the way they want it, are told and passed over.
pub fn serve(unit: &mut Unit<'_>, name: &Name) {
    let mut passed = 0;
    while let Some((ticket, want)) = unit.memory.waiting.next(name, passed) {
        let want = want.clone();
        passed = ticket;
        if let Err(error) = member::check(unit, name, &want) {
            unit.answer(ticket, Err(error), Vec::new());
            continue;
        }
        match take(unit, name, &want, Effort::Bounded) {
            Ok(taken) if !taken.tasks.is_empty() => {
                let handed = |(id, token)| Handed::Claim {
                    name: name.clone(),
                    id,
                    token,
                };
                let handed = taken.claims.into_iter().map(handed).collect();
                unit.answer(ticket, Ok(Reply::Array(taken.tasks)), handed);
            }
            Ok(taken) if taken.quiet => send_home(unit, ticket, &want),
            Ok(taken) if taken.unsure => return,
            _ => break,
        }
    }
    dismiss(unit, name);
}

/// Serves the clients that wait before one that comes now. Where the clock alone may let claimers in, he could be
/// faster than the timer.
pub fn first_come(unit: &mut Unit<'_>, name: &Name, worker: &str) -> Answer<()> {
    if unit.memory.waiting.count(name) > 0 && super::settings(unit, name)?.rate.is_some() {
        // His claim may still be refused: nothing is handed out in a unit that ends in an error.
        check(unit, name, worker)?;
        serve(unit, name);
    }
    Ok(())
}

/// Answers a client whose worker was told to take no more work of any of its queues.
fn send_home(unit: &mut Unit<'_>, ticket: Ticket, want: &Want) {
    let names = unit.memory.waiting.names_of(ticket);
    let quiet = names
        .iter()
        .all(|name| super::service(unit, name).is_ok_and(|service| member::is_quiet(unit, &service, &want.worker)));
    if quiet {
        unit.answer(ticket, Ok(Reply::NullArray), Vec::new());
    }
}

/// Answers the clients that waited only for the sweep, when nothing that may be claimed lives in any of their queues.
fn dismiss(unit: &mut Unit<'_>, name: &Name) {
    for ticket in unit.memory.waiting.impatient(name) {
        let names = unit.memory.waiting.names_of(ticket);
        let none = names.iter().all(|name| {
            super::settings(unit, name)
                .and_then(|settings| {
                    Ok(is_paused(&settings, unit)
                        || ready::count(unit, name, &settings)? == 0
                        || limits::room(unit, name, &settings)? == 0)
                })
                .unwrap_or(true)
        });
        if none {
            unit.answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
}
