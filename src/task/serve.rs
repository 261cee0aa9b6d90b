//! Handing tasks to the clients that wait: called in the unit that made something ready, or something ready claimable.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::take::{Effort, check, is_paused, take};
use crate::task::{addressed, limits, member, ready};
use crate::unit::Unit;
use crate::waiting::{Handed, Ticket, Want, Wish};

/// Serves the clients that wait in the queue's line, longest wait first, until one gets nothing; then those for whose
/// workers alone something is ready. Those that may not take work, or not in the way they want it, are told and passed
/// over.
pub fn serve(unit: &mut Unit<'_>, name: &Name) {
    if unit.memory.waiting.count(name) == 0 {
        return;
    }
    let came = serve_line(unit, name, None);
    serve_owed(unit, name);
    if came != Came::Unsure {
        dismiss(unit, name);
    }
}

/// What a client that waits came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// It has its answer, or may have been sent home: the next one may be served.
    Next,
    /// There is nothing for it.
    Nothing,
    /// The tick is to go on first.
    Unsure,
}

/// Serves the clients that wait, or only those of one worker, longest wait first, until one gets nothing.
fn serve_line(unit: &mut Unit<'_>, name: &Name, worker: Option<&str>) -> Came {
    let mut passed = 0;
    loop {
        let next = match worker {
            None => unit.memory.waiting.next(name, passed),
            Some(worker) => unit.memory.waiting.next_of(name, worker, passed),
        };
        let Some((ticket, want)) = next.map(|(ticket, want)| (ticket, want.clone())) else {
            return Came::Nothing;
        };
        passed = ticket;
        let came = hand(unit, name, ticket, &want);
        if came != Came::Next {
            return came;
        }
    }
}

/// Hands a client what there is for it.
fn hand(unit: &mut Unit<'_>, name: &Name, ticket: Ticket, want: &Want) -> Came {
    if let Err(error) = member::check(unit, name, want) {
        unit.answer(ticket, Err(error), Vec::new());
        return Came::Next;
    }
    match take(unit, name, want, Effort::Bounded) {
        Ok(taken) if !taken.tasks.is_empty() => {
            let handed = |(id, token)| Handed::Claim {
                name: name.clone(),
                id,
                token,
            };
            let handed = taken.claims.into_iter().map(handed).collect();
            unit.answer(ticket, Ok(Reply::Array(taken.tasks)), handed);
            Came::Next
        }
        Ok(taken) if taken.quiet => {
            send_home(unit, ticket, want);
            Came::Next
        }
        Ok(taken) if taken.unsure => Came::Unsure,
        _ => Came::Nothing,
    }
}

/// Serves the clients for whose workers alone something is ready, wherever they stand in the line; of those that has
/// waited longest first. Who may not have it now is owed it still.
fn serve_owed(unit: &mut Unit<'_>, name: &Name) {
    if !addressed::owes(unit, name) || !hands_out(unit, name) {
        return;
    }
    let mut owed: Vec<(Ticket, String)> = Vec::new();
    for worker in addressed::take_owed(unit, name) {
        let first = unit.memory.waiting.next_of(name, &worker, 0);
        owed.extend(first.map(|(ticket, _)| ticket).map(|ticket| (ticket, worker)));
    }
    owed.sort_unstable();
    let mut owed = owed.into_iter();
    for (_, worker) in owed.by_ref() {
        match serve_line(unit, name, Some(&worker)) {
            Came::Unsure => addressed::owe_later(unit, name, &worker),
            _ if hands_out(unit, name) => {}
            _ => {
                addressed::owe_later(unit, name, &worker);
                break;
            }
        }
    }
    for (_, worker) in owed {
        addressed::owe_later(unit, name, &worker);
    }
}

/// Whether the queue hands out anything now.
fn hands_out(unit: &mut Unit<'_>, name: &Name) -> bool {
    let room = |unit: &mut Unit<'_>| {
        let settings = super::settings(unit, name)?;
        Ok(!is_paused(&settings, unit) && limits::room(unit, name, &settings)? > 0)
    };
    let answer: Answer<bool> = room(unit);
    answer.unwrap_or(false)
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
        let Some(Wish::Tasks(names, want)) = unit.memory.waiting.wish(ticket).cloned() else {
            continue;
        };
        let none = names.iter().all(|name| {
            super::settings(unit, name)
                .and_then(|settings| {
                    Ok(is_paused(&settings, unit)
                        || ready::listed(unit, name, &settings)? == 0 && !addressed::any(unit, name, &want.worker)
                        || limits::room(unit, name, &settings)? == 0)
                })
                .unwrap_or(true)
        });
        if none {
            unit.answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
}
