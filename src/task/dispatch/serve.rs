//! Serves waiting clients, in the transaction that made a task ready, or a ready task claimable.

use crate::error::Result;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::dispatch::{Effort, claim, ensure_types, limits};
use crate::task::handle::Queue;
use crate::task::index::{ready, targeted};
use crate::task::worker;
use crate::waiting::{ClaimRequest, Granted, Ticket, Turn, WaitFor};

/// Serves the clients that wait for tasks of the queue, longest wait first, until one gets nothing; then those whose
/// workers have targeted tasks. Clients whose workers may not claim get their answer and are passed over; those whose
/// workers are quiet wait on outside the line.
pub(crate) fn serve(queue: &mut Queue<'_>) {
    if queue.state.waiting.count(&queue.name) == 0 {
        return;
    }
    let served = serve_line(queue, None);
    serve_workers(queue);
    let memory = queue.memory();
    if memory.maybe_ready == 0 {
        memory.lost_ready = 0;
    }
    if served != Served::Unsure {
        dismiss(queue);
    }
}

/// The result of serving one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// It was answered or passed over: the next one may be served.
    Next,
    /// There is no task for it.
    Nothing,
    /// The timer has to remove ghosts first.
    Unsure,
}

/// Serves the waiting clients, or only those of one worker, longest wait first, until one gets nothing. Tasks that were
/// lost come first, and go to the clients that were heard from last: a host that is gone without a trace waits longest,
/// and each such host would cost the task another lease.
fn serve_line(queue: &mut Queue<'_>, worker: Option<&str>) -> Served {
    let mut turn = Turn::Before(Ticket::MAX);
    loop {
        if matches!(turn, Turn::Before(_)) && queue.memory().lost_ready == 0 {
            turn = Turn::After(0);
        }
        let waiting = &mut queue.state.waiting;
        let next = match worker {
            None => waiting.next(&queue.name, turn),
            Some(worker) => waiting.next_of(&queue.name, worker, turn),
        };
        let Some((ticket, request)) = next.map(|(ticket, request)| (ticket, request.clone())) else {
            return Served::Nothing;
        };
        turn = turn.past(ticket);
        let served = serve_client(queue, ticket, &request);
        if served != Served::Next {
            return served;
        }
    }
}

/// Claims for a client what there is for it.
fn serve_client(queue: &mut Queue<'_>, ticket: Ticket, request: &ClaimRequest) -> Served {
    if let Err(error) = worker::ensure_may_claim(queue, request) {
        queue.tx().answer(ticket, Err(error), Vec::new());
        return Served::Next;
    }
    match claim(queue, request, Effort::Bounded) {
        Ok(claimed) if !claimed.tasks.is_empty() => {
            let memory = queue.memory();
            memory.lost_ready = memory.lost_ready.saturating_sub(claimed.tasks.len());
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
            queue.state.waiting.set_aside(&queue.name, ticket);
            Served::Next
        }
        Ok(claimed) if claimed.unsure => Served::Unsure,
        _ => Served::Nothing,
    }
}

/// Serves the clients whose workers have targeted tasks, wherever they are in line; longest wait first. Workers that
/// cannot claim now are tried again later.
fn serve_workers(queue: &mut Queue<'_>) {
    if !targeted::has_workers_to_serve(queue) || !hands_out(queue) {
        return;
    }
    let mut first: Vec<(Ticket, String)> = Vec::new();
    for worker in targeted::take_workers_to_serve(queue) {
        let next = queue.state.waiting.next_of(&queue.name, &worker, Turn::After(0));
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

/// Whether the queue grants claims now.
fn hands_out(queue: &mut Queue<'_>) -> bool {
    !queue.is_paused() && limits::room(queue).unwrap_or(0) > 0
}

/// Serves waiting clients before a new one. With a rate, time alone makes room for claims, and the new client could
/// come before the timer does.
pub(crate) fn first_come(queue: &mut Queue<'_>, worker: &str) -> Result<()> {
    if queue.state.waiting.count(&queue.name) > 0 && queue.settings.rate.is_some() {
        // Its claim may still be refused, and nothing may be granted in a transaction that ends in an error.
        ensure_types(queue, worker)?;
        serve(queue);
    }
    Ok(())
}

/// Answers the clients that waited only for the timer to remove ghosts, once there is nothing to claim in any of their
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
