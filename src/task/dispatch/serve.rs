//! Handing tasks to the clients that wait: called in the transaction that made something ready, or something ready claimable.

use crate::error::Result;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::dispatch::{Effort, check, is_paused, limits, take};
use crate::task::index::{ready, targeted};
use crate::task::{self, worker};
use crate::tx::Tx;
use crate::waiting::{ClaimRequest, Granted, Ticket, WaitFor};

/// Serves the clients that wait in the queue's line, longest wait first, until one gets nothing; then those for whose
/// workers alone something is ready. Those that may not take work, or not in the way they want it, are told and passed
/// over.
pub(crate) fn serve(tx: &mut Tx<'_>, name: &Name) {
    if tx.state.waiting.count(name) == 0 {
        return;
    }
    let came = serve_line(tx, name, None);
    serve_owed(tx, name);
    if came != Came::Unsure {
        dismiss(tx, name);
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
fn serve_line(tx: &mut Tx<'_>, name: &Name, worker: Option<&str>) -> Came {
    let mut passed = 0;
    loop {
        let next = match worker {
            None => tx.state.waiting.next(name, passed),
            Some(worker) => tx.state.waiting.next_of(name, worker, passed),
        };
        let Some((ticket, want)) = next.map(|(ticket, want)| (ticket, want.clone())) else {
            return Came::Nothing;
        };
        passed = ticket;
        let came = hand(tx, name, ticket, &want);
        if came != Came::Next {
            return came;
        }
    }
}

/// Hands a client what there is for it.
fn hand(tx: &mut Tx<'_>, name: &Name, ticket: Ticket, want: &ClaimRequest) -> Came {
    if let Err(error) = worker::check(tx, name, want) {
        tx.answer(ticket, Err(error), Vec::new());
        return Came::Next;
    }
    match take(tx, name, want, Effort::Bounded) {
        Ok(taken) if !taken.tasks.is_empty() => {
            let handed = |(id, token)| Granted::Claim {
                name: name.clone(),
                id,
                token,
            };
            let handed = taken.claims.into_iter().map(handed).collect();
            tx.answer(ticket, Ok(Reply::Array(taken.tasks)), handed);
            Came::Next
        }
        Ok(taken) if taken.quiet => {
            send_home(tx, ticket, want);
            Came::Next
        }
        Ok(taken) if taken.unsure => Came::Unsure,
        _ => Came::Nothing,
    }
}

/// Serves the clients for whose workers alone something is ready, wherever they stand in the line; of those that has
/// waited longest first. Who may not have it now is owed it still.
fn serve_owed(tx: &mut Tx<'_>, name: &Name) {
    if !targeted::owes(tx, name) || !hands_out(tx, name) {
        return;
    }
    let mut owed: Vec<(Ticket, String)> = Vec::new();
    for worker in targeted::take_owed(tx, name) {
        let first = tx.state.waiting.next_of(name, &worker, 0);
        owed.extend(first.map(|(ticket, _)| ticket).map(|ticket| (ticket, worker)));
    }
    owed.sort_unstable();
    let mut owed = owed.into_iter();
    for (_, worker) in owed.by_ref() {
        match serve_line(tx, name, Some(&worker)) {
            Came::Unsure => targeted::owe_later(tx, name, &worker),
            _ if hands_out(tx, name) => {}
            _ => {
                targeted::owe_later(tx, name, &worker);
                break;
            }
        }
    }
    for (_, worker) in owed {
        targeted::owe_later(tx, name, &worker);
    }
}

/// Whether the queue hands out anything now.
fn hands_out(tx: &mut Tx<'_>, name: &Name) -> bool {
    let room = |tx: &mut Tx<'_>| {
        let settings = task::settings(tx, name)?;
        Ok(!is_paused(&settings, tx) && limits::room(tx, name, &settings)? > 0)
    };
    let answer: Result<bool> = room(tx);
    answer.unwrap_or(false)
}

/// Serves the clients that wait before one that comes now. Where the clock alone may let claimers in, he could be
/// faster than the timer.
pub(crate) fn first_come(tx: &mut Tx<'_>, name: &Name, worker: &str) -> Result<()> {
    if tx.state.waiting.count(name) > 0 && task::settings(tx, name)?.rate.is_some() {
        // His claim may still be refused: nothing is handed out in a transaction that ends in an error.
        check(tx, name, worker)?;
        serve(tx, name);
    }
    Ok(())
}

/// Answers a client whose worker was told to take no more work of any of its queues.
fn send_home(tx: &mut Tx<'_>, ticket: Ticket, want: &ClaimRequest) {
    let names = tx.state.waiting.names_of(ticket);
    let quiet = names
        .iter()
        .all(|name| task::service(tx, name).is_ok_and(|service| worker::is_quiet(tx, &service, &want.worker)));
    if quiet {
        tx.answer(ticket, Ok(Reply::NullArray), Vec::new());
    }
}

/// Answers the clients that waited only for the sweep, when nothing that may be claimed lives in any of their queues.
fn dismiss(tx: &mut Tx<'_>, name: &Name) {
    for ticket in tx.state.waiting.impatient(name) {
        let Some(WaitFor::Tasks(names, want)) = tx.state.waiting.wish(ticket).cloned() else {
            continue;
        };
        let none = names.iter().all(|name| {
            task::settings(tx, name)
                .and_then(|settings| {
                    Ok(is_paused(&settings, tx)
                        || ready::listed(tx, name, &settings)? == 0 && !targeted::any(tx, name, &want.worker)
                        || limits::room(tx, name, &settings)? == 0)
                })
                .unwrap_or(true)
        });
        if none {
            tx.answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
}
