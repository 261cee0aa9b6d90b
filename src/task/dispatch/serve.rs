//! Serving the clients that wait, in the transaction that made something ready, or something ready claimable.

use crate::error::Result;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::dispatch::{Effort, claim, ensure_types, limits};
use crate::task::handle::Queue;
use crate::task::index::{ready, targeted};
use crate::task::worker;
use crate::waiting::{ClaimRequest, Granted, Ticket, WaitFor};

/// Serves the clients that wait in the queue's line, longest wait first, until one gets nothing; then those for whose
/// workers alone something is ready. Those that may not take work, or not in the way they want it, are told and passed
/// over.
pub(crate) fn serve(queue: &mut Queue<'_>) {
    if queue.state.waiting.count(&queue.name) == 0 {
        return;
    }
    let served = serve_line(queue, None);
    serve_workers(queue);
    if served != Served::Unsure {
        dismiss(queue);
    }
}

/// What a client that waits came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// It has its answer, or may have been sent home: the next one may be served.
    Next,
    /// There is nothing for it.
    Nothing,
    /// The timer is to go on first.
    Unsure,
}

/// Serves the clients that wait, or only those of one worker, longest wait first, until one gets nothing.
fn serve_line(queue: &mut Queue<'_>, worker: Option<&str>) -> Served {
    let mut passed = 0;
    loop {
        let waiting = &mut queue.state.waiting;
        let next = match worker {
            None => waiting.next(&queue.name, passed),
            Some(worker) => waiting.next_of(&queue.name, worker, passed),
        };
        let Some((ticket, request)) = next.map(|(ticket, request)| (ticket, request.clone())) else {
            return Served::Nothing;
        };
        passed = ticket;
        let served = serve_client(queue, ticket, &request);
        if served != Served::Next {
            return served;
        }
    }
}

/// Hands a client what there is for it.
fn serve_client(queue: &mut Queue<'_>, ticket: Ticket, request: &ClaimRequest) -> Served {
    if let Err(error) = worker::ensure_may_claim(queue, request) {
        queue.tx().answer(ticket, Err(error), Vec::new());
        return Served::Next;
    }
    match claim(queue, request, Effort::Bounded) {
        Ok(claimed) if !claimed.tasks.is_empty() => {
            let granted = |(id, token)| Granted::Claim {
                name: queue.name.clone(),
                id,
                token,
            };
            let granted = claimed.tokens.into_iter().map(granted).collect();
            queue.tx().answer(ticket, Ok(Reply::Array(claimed.tasks)), granted);
            Served::Next
        }
        Ok(claimed) if claimed.quiet => {
            send_home(queue, ticket, request);
            Served::Next
        }
        Ok(claimed) if claimed.unsure => Served::Unsure,
        _ => Served::Nothing,
    }
}

/// Serves the clients for whose workers alone something is ready, wherever they stand in the line; of those that has
/// waited longest first. What a client cannot have now is kept for it.
fn serve_workers(queue: &mut Queue<'_>) {
    if !targeted::has_workers_to_serve(queue) || !hands_out(queue) {
        return;
    }
    let mut first: Vec<(Ticket, String)> = Vec::new();
    for worker in targeted::take_workers_to_serve(queue) {
        let next = queue.state.waiting.next_of(&queue.name, &worker, 0);
        if let Some((ticket, _)) = next {
            first.push((ticket, worker));
        }
    }
    first.sort_unstable();
    let mut first = first.into_iter();
    for (_, worker) in first.by_ref() {
        match serve_line(queue, Some(&worker)) {
            Served::Unsure => targeted::serve_worker_later(queue, &worker),
            _ if hands_out(queue) => {}
            _ => {
                targeted::serve_worker_later(queue, &worker);
                break;
            }
        }
    }
    for (_, worker) in first {
        targeted::serve_worker_later(queue, &worker);
    }
}

/// Whether the queue hands out anything now.
fn hands_out(queue: &mut Queue<'_>) -> bool {
    !queue.is_paused() && limits::room(queue).unwrap_or(0) > 0
}

/// Serves the clients that wait before one that comes now. Where the clock alone may let claimers in, the newcomer
/// could be faster than the timer.
pub(crate) fn first_come(queue: &mut Queue<'_>, worker: &str) -> Result<()> {
    if queue.state.waiting.count(&queue.name) > 0 && queue.settings.rate.is_some() {
        // Its claim may still be refused: nothing is handed out in a transaction that ends in an error.
        ensure_types(queue, worker)?;
        serve(queue);
    }
    Ok(())
}

/// Answers a client whose worker was told to take no more work of any of its queues.
fn send_home(queue: &mut Queue<'_>, ticket: Ticket, request: &ClaimRequest) {
    let names = queue.state.waiting.names_of(ticket);
    let is_quiet = |name: &Name| match Queue::open(&mut queue.tx(), name.clone()) {
        Ok(mut other) => worker::is_quiet(&mut other, &request.worker),
        Err(_) => false,
    };
    if names.iter().all(is_quiet) {
        queue.tx().answer(ticket, Ok(Reply::NullArray), Vec::new());
    }
}

/// Answers the clients that waited only for the timer to sweep, when nothing that may be claimed lives in any of their
/// queues.
fn dismiss(queue: &mut Queue<'_>) {
    for ticket in queue.state.waiting.waiting_for_sweep(&queue.name) {
        let Some(WaitFor::Tasks(names, request)) = queue.state.waiting.wait_for(ticket).cloned() else {
            continue;
        };
        let has_nothing = |name: &Name| match Queue::open(&mut queue.tx(), name.clone()) {
            Ok(mut other) => has_nothing(&mut other, &request.worker).unwrap_or(true),
            Err(_) => true,
        };
        if names.iter().all(has_nothing) {
            queue.tx().answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
}

fn has_nothing(queue: &mut Queue<'_>, worker: &str) -> Result<bool> {
    let empty = !ready::has_any(queue)? && !targeted::has_any(queue, worker);
    Ok(queue.is_paused() || empty || limits::room(queue)? == 0)
}
