//! Every step of a task's life, and the only file that assigns a state. What follows from a step for other tasks and
//! for clients that wait is left to [`super::worklist`].
//!
//! The caller must have checked the types of all keys that a function may write ([`ensure_end_types`] and the like), so
//! that no step fails half-way.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::settings::{EventsLevel, How};
use crate::state::queue::Loss;
use crate::task::events::{self, Event};
use crate::task::handle::{Queue, Task};
use crate::task::header::{AWAITED, CANCELLED, EXPIRES, GROUPED, Header, TARGETED, TaskState, UNIQUE, WITH_OPTIONS};
use crate::task::index::ready::{self, End};
use crate::task::index::{
    blocked, claimed, dead, dependencies, done, expiry, group, later, scheduled, targeted, unique,
};
use crate::task::kind;
use crate::task::options;
use crate::task::outcome::{self, Outcome};
use crate::time::{Ms, Wall};

/// Where a task went when its claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewState {
    /// It waits for its due time.
    Scheduled,
    /// It may be claimed again.
    Ready,
    /// It waits for its turn in its group.
    Blocked,
    /// It is a dead letter.
    Dead,
    /// It had been cancelled, and has left.
    Cancelled,
}

impl NewState {
    /// The word in replies.
    pub(crate) fn word(self) -> &'static str {
        match self {
            NewState::Scheduled => "scheduled",
            NewState::Ready => "ready",
            NewState::Blocked => "blocked",
            NewState::Dead => "dead",
            NewState::Cancelled => "cancelled",
        }
    }
}

/// When a task that failed is tried again, if it has attempts left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// After its backoff.
    Backoff,
    /// After so many ms.
    After(Ms),
    /// Not at all.
    Never,
}

/// Makes a waiting task ready that is due, or blocks it if it has to wait for its turn in its group. The caller writes
/// the header.
pub(crate) fn enqueue(queue: &mut Queue<'_>, task: &mut Task, end: End) -> Result<NewState> {
    if let Some(group) = group::of(queue, task)
        && !group::take_turn(queue, task, &group)?
    {
        block(queue, task)?;
        return Ok(NewState::Blocked);
    }
    targeted::push_ready(queue, task, end)?;
    Ok(NewState::Ready)
}

/// Errors with `WrongType` unless every key that `enqueue` may write has the right type.
pub(crate) fn ensure_enqueue_types(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    if let Some(group) = group::of(queue, task) {
        group::ensure_types(queue, &group)?;
    }
    if task.header.has(TARGETED) {
        targeted::ensure_ready_types(queue)?;
    }
    ready::ensure_types(queue, task.header.priority)
}

/// Blocks a task. The caller writes the header.
pub(crate) fn block(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    task.header.state = TaskState::Blocked;
    // EXPIRE counts from when it is ready.
    expiry::remove(queue, task);
    blocked::add(queue, task)
}

/// Unblocks a task: it waits for its due time, or is enqueued. One whose due time has passed counts as due now.
pub(crate) fn unblock(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    blocked::remove(queue, &task.id)?;
    task.header.due = task.header.due.max(queue.context.wall);
    requeue(queue, task, Some(task.header.due), End::Tail)?;
    Ok(())
}

/// Errors with `WrongType` unless every key that `unblock` may write has the right type.
pub(crate) fn ensure_unblock_types(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    blocked::ensure_types(queue)?;
    scheduled::ensure_types(queue)?;
    expiry::ensure_types(queue, task)?;
    if task.header.ghosts != 0 {
        queue.keys.ensure_type(queue.name.queue())?;
    }
    ensure_enqueue_types(queue, task)
}

/// Makes a popped task a claim of a worker. Returns the token.
pub(crate) fn claim(queue: &mut Queue<'_>, task: &mut Task, worker: u32, lease: Ms) -> Result<u64> {
    let token = queue.next_fence(task.header.fence);
    begin_claim(&mut task.header, worker, lease, token);
    unique::claimed(queue, task);
    queue.write_header(task)?;
    expiry::remove(queue, task);
    kind::count(queue, task, |kind| {
        kind.claimed += 1;
        kind.running += 1;
    });
    tell(queue, task, "claimed", task.header.attempt(), b"");
    Ok(token)
}

/// Writes a claim into the header of its task.
pub(crate) fn begin_claim(header: &mut Header, worker: u32, lease: Ms, token: u64) {
    header.state = TaskState::Claimed;
    header.flags &= !CANCELLED;
    header.deliveries += 1;
    header.worker = worker;
    header.lease = lease;
    header.fence = token;
}

/// Completes a claimed task: it is removed, or retained for so long, ms. Returns whether its claim was bound to a
/// connection.
pub(crate) fn complete(queue: &mut Queue<'_>, task: &mut Task, result: Option<&[u8]>, retain: Ms) -> Result<bool> {
    claimed::remove(queue, task)?;
    let bound = claimed::forget(queue, task);
    if !task.is_cancelled() {
        let run = task.header.run(queue.context.wall);
        queue.count(|totals| totals.acked += 1).record_run(run);
        kind::count(queue, task, |kind| {
            kind.acked += 1;
            kind.record_run(run);
        });
        end_task(queue, task, Outcome::Done(result))?;
        if retain > 0 {
            store_done(queue, task, result, retain)?;
            return Ok(bound);
        }
        // `end_task` has freed both.
        task.header.flags &= !(UNIQUE | GROUPED);
        remove(queue, task)?;
        return Ok(bound);
    }
    task.header.attempts += 1;
    leave(queue, task, TaskState::Cancelled, None)?;
    Ok(bound)
}

/// Stores a done task for so long.
fn store_done(queue: &mut Queue<'_>, task: &mut Task, result: Option<&[u8]>, retain: Ms) -> Result<()> {
    task.header.attempts += 1;
    if let Some(result) = result {
        queue.put_field(task, options::RESULT, result)?;
    }
    keep(queue, task, TaskState::Done, retain)
}

/// Keeps a task that has ended for good for so long.
fn keep(queue: &mut Queue<'_>, task: &mut Task, state: TaskState, retain: Ms) -> Result<()> {
    targeted::forget(queue, task);
    task.header.end(state, queue.context.wall);
    queue.write_header(task)?;
    done::add(queue, task, retain)
}

/// A task that will not run leaves, in this state if it is to be retained. One whose keys have other types is not.
fn leave(queue: &mut Queue<'_>, task: &mut Task, state: TaskState, why: Option<&[u8]>) -> Result<()> {
    let retain = done::retain(queue, task);
    if retain == 0 || done::ensure_types(queue, &task.id).is_err() {
        return remove(queue, task);
    }
    unlink(queue, task);
    task.header.flags &= !CANCELLED;
    if let Some(why) = why {
        queue.put_field(task, options::ERROR, options::cut(why))?;
    }
    keep(queue, task, state, retain)
}

/// An attempt failed: the task is tried again, or is a dead letter when no attempts are left.
pub(crate) fn fail(queue: &mut Queue<'_>, task: &mut Task, error: Option<&[u8]>, retry: Retry) -> Result<NewState> {
    claimed::remove(queue, task)?;
    claimed::forget(queue, task);
    let run = task.header.run(queue.context.wall);
    queue.count(|totals| totals.failed += 1).record_run(run);
    kind::count(queue, task, |kind| {
        kind.failed += 1;
        kind.record_run(run);
    });
    task.header.attempts += 1;
    if task.is_cancelled() {
        leave(queue, task, TaskState::Cancelled, None)?;
        return Ok(NewState::Cancelled);
    }
    if let Some(error) = error {
        queue.put_field(task, options::ERROR, options::cut(error))?;
    }
    if retry == Retry::Never {
        return bury(queue, task, "failed");
    }
    let options = task.options(queue);
    let attempt = task.header.attempts;
    if attempt >= queue.max_attempts(options) {
        return bury(queue, task, "attempts");
    }
    let delay = match retry {
        Retry::After(delay) => delay,
        _ => {
            let salt = task.header.fence;
            queue.backoff(options).wait(attempt, &queue.context, salt)
        }
    };
    tell(queue, task, "retried", attempt, error.unwrap_or_default());
    task.header.due = queue.context.wall.after(delay);
    requeue(queue, task, Some(task.header.due), End::Tail)
}

/// Somebody gives up a task that waits or is claimed: it is a dead letter. A claimed one has used up its attempt.
pub(crate) fn give_up(queue: &mut Queue<'_>, task: &mut Task, error: Option<&[u8]>) -> Result<()> {
    if task.header.state == TaskState::Claimed {
        claimed::remove(queue, task)?;
        claimed::forget(queue, task);
        task.header.attempts += 1;
    } else {
        take_out(queue, task)?;
        expiry::remove(queue, task);
    }
    if let Some(error) = error {
        queue.put_field(task, options::ERROR, options::cut(error))?;
    }
    bury(queue, task, "buried")?;
    Ok(())
}

/// A claim is lost: its lease ran out, its connection closed or its worker died. It uses up an attempt. The task goes
/// to the head of its list, or becomes a dead letter if it was lost too often. The caller has removed it from the
/// claimed set.
pub(crate) fn lose(queue: &mut Queue<'_>, task: &mut Task, why: Loss) -> Result<NewState> {
    emit(queue, task, "lost", task.header.attempt(), why.word())?;
    claimed::forget(queue, task);
    queue.count(|totals| totals.lost += 1);
    task.header.attempts += 1;
    if task.is_cancelled() {
        leave(queue, task, TaskState::Cancelled, None)?;
        return Ok(NewState::Cancelled);
    }
    task.header.lost += 1;
    let options = task.options(queue);
    let reason = if task.header.lost > queue.settings.numbers.max_lost(&queue.context.config) {
        "lost"
    } else if task.header.attempts >= queue.max_attempts(options) {
        "attempts"
    } else {
        let state = requeue(queue, task, None, End::Head)?;
        if state == NewState::Ready && queue.state.waiting.count(&queue.name) > 0 {
            queue.memory().lost_ready += 1;
        }
        return Ok(state);
    };
    let error = lost_error(queue, task, why);
    queue.put_field(task, options::ERROR, options::cut(error.as_bytes()))?;
    bury(queue, task, reason)
}

/// What GET shows as the error of a task that died because its claims were lost.
fn lost_error(queue: &mut Queue<'_>, task: &Task, why: Loss) -> String {
    let worker = queue.worker_name(task.header.worker).unwrap_or(None);
    let worker = worker.as_deref().unwrap_or("its worker");
    let why = match why {
        Loss::Lease => format!("lease of {worker} ran out"),
        Loss::Disconnect => format!("connection of {worker} closed"),
        Loss::Member => format!("member {worker} died"),
    };
    match task.header.lost {
        1 => format!("lost once: {why}"),
        lost => format!("lost {lost} times, last: {why}"),
    }
}

/// A claim is released: no attempt is used up. The task goes to the head of its list, or waits for `due`. The caller
/// has removed it from the claimed set.
pub(crate) fn release(queue: &mut Queue<'_>, task: &mut Task, due: Option<Wall>) -> Result<NewState> {
    claimed::forget(queue, task);
    if task.is_cancelled() {
        leave(queue, task, TaskState::Cancelled, None)?;
        return Ok(NewState::Cancelled);
    }
    requeue(queue, task, due, End::Head)
}

/// Schedules a task that is not claimed any more for `due`, or enqueues it at that end of its list. Its EXPIRE starts
/// over.
pub(crate) fn requeue(queue: &mut Queue<'_>, task: &mut Task, due: Option<Wall>, end: End) -> Result<NewState> {
    let now = queue.context.wall;
    task.header.end_run(now);
    task.header.state = TaskState::Waiting;
    expiry::start(queue, task, due.unwrap_or(now).max(now))?;
    let state = match due.filter(|due| *due > now) {
        Some(due) => {
            task.header.due = due;
            scheduled::add(queue, task)?;
            group::step_aside(queue, task);
            NewState::Scheduled
        }
        None => enqueue(queue, task, end)?,
    };
    queue.write_header(task)?;
    Ok(state)
}

/// Makes a task a dead letter, and trims the dead letters to their limit.
pub(crate) fn bury(queue: &mut Queue<'_>, task: &mut Task, why: &'static str) -> Result<NewState> {
    end_task(queue, task, Outcome::Dead(why))?;
    outcome::copy_dead(queue, task);
    task.header.end(TaskState::Dead, queue.context.wall);
    queue.write_header(task)?;
    dead::add(queue, task)?;
    queue.count(|totals| totals.dead += 1);
    kind::count(queue, task, |kind| kind.dead += 1);
    trim_dead(queue)?;
    Ok(NewState::Dead)
}

/// Adds a new task to the dead letters. The caller writes the header.
pub(crate) fn rest_dead(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    task.header.end(TaskState::Dead, queue.context.wall);
    dead::add(queue, task)
}

/// Removes dead letters beyond `dead-limit` and `dead-retain`, the oldest first, a hundred at most. Returns whether
/// there are more.
pub(crate) fn trim_dead(queue: &mut Queue<'_>) -> Result<bool> {
    let oldest = dead::surplus(queue)?;
    let unreadable = erase(queue, &oldest)?;
    dead::remove_oldest(queue, &oldest, &unreadable)
}

/// Makes a dead letter ready again, with fresh attempts. Returns `false` if another task has its unique key, or a key
/// it needs has another type.
pub(crate) fn revive(queue: &mut Queue<'_>, task: &mut Task) -> Result<bool> {
    if task.header.state != TaskState::Dead || ensure_enqueue_types(queue, task).is_err() {
        return Ok(false);
    }
    if !unique::regain(queue, task)? {
        return Ok(false);
    }
    dead::remove(queue, task)?;
    task.header.attempts = 0;
    task.header.lost = 0;
    task.header.due = queue.context.wall;
    requeue(queue, task, None, End::Tail)?;
    Ok(true)
}

/// Cancels a task: a waiting or blocked one leaves now, a claimed one when its claim ends. Returns whether there was
/// anything to cancel. The reason may be empty.
pub(crate) fn cancel(queue: &mut Queue<'_>, task: &mut Task, reason: &[u8]) -> Result<bool> {
    let reason = options::cut(reason);
    let why = (!reason.is_empty()).then_some(reason);
    match task.header.state {
        TaskState::Waiting | TaskState::Blocked => {
            take_out(queue, task)?;
            end_task(queue, task, Outcome::Cancelled(reason))?;
            leave(queue, task, TaskState::Cancelled, why)?;
        }
        TaskState::Claimed if !task.is_cancelled() => {
            task.header.flags |= CANCELLED;
            claimed::note_cancelled(queue, task);
            end_task(queue, task, Outcome::Cancelled(reason))?;
            if let Some(why) = why {
                queue.put_field(task, options::ERROR, why)?;
            }
            queue.write_header(task)?;
        }
        _ => return Ok(false),
    }
    queue.count(|totals| totals.cancelled += 1);
    Ok(true)
}

/// Drops a task that was not claimed in time. The caller removes it from the expiring set.
pub(crate) fn expire(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    take_out(queue, task)?;
    end_task(queue, task, Outcome::Expired)?;
    task.header.flags &= !EXPIRES;
    leave(queue, task, TaskState::Expired, Some(outcome::EXPIRED))?;
    queue.count(|totals| totals.expired += 1);
    Ok(())
}

/// Gives a waiting task another due time, if any, and priority, and moves it accordingly. A ready task that stays ready
/// with the same priority keeps its place. One that becomes ready may be blocked instead. The caller writes the header.
pub(crate) fn reschedule(queue: &mut Queue<'_>, task: &mut Task, due: Option<Wall>, priority: u8) -> Result<()> {
    let later = due.filter(|due| *due > queue.context.wall);
    if queue.is_scheduled(task)? {
        task.header.priority = priority;
        let Some(due) = due else {
            return Ok(());
        };
        task.header.due = due;
        if later.is_some() {
            return scheduled::add(queue, task);
        }
        scheduled::remove(queue, task)?;
        enqueue(queue, task, End::Tail)?;
    } else if let Some(due) = later {
        targeted::leave_ready(queue, task)?;
        task.header.priority = priority;
        task.header.due = due;
        scheduled::add(queue, task)?;
        group::step_aside(queue, task);
    } else if priority != task.header.priority {
        targeted::leave_ready(queue, task)?;
        task.header.priority = priority;
        targeted::push_ready(queue, task, End::Tail)?;
    }
    Ok(())
}

/// Takes a waiting or blocked task out of its set or list. The caller writes or removes the record.
pub(crate) fn take_out(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    if task.header.state == TaskState::Blocked {
        blocked::remove(queue, &task.id)
    } else if scheduled::remove(queue, task)? {
        Ok(())
    } else {
        targeted::leave_ready(queue, task)
    }
}

/// Ends a task: frees its unique key and its turn, and lets those that wait for it know. Its record is still there,
/// perhaps with fewer flags; the caller writes or removes it afterwards.
fn end_task(queue: &mut Queue<'_>, task: &mut Task, outcome: Outcome<'_>) -> Result<()> {
    if task.header.state != TaskState::Claimed || !matches!(outcome, Outcome::Cancelled(_)) {
        // A cancelled task keeps its key and its turn until its claim ends.
        unique::free(queue, task);
        group::leave(queue, task);
    }
    if task.header.has(AWAITED) {
        let end = outcome::for_dependents(queue, task, outcome);
        dependencies::ended(queue, task, end);
    }
    outcome::publish(queue, task, outcome);
    let attempts = task.header.attempts;
    match outcome {
        Outcome::Done(_) => {
            tell(queue, task, "done", task.header.attempt(), b"");
            Ok(())
        }
        Outcome::Dead(reason) => emit(queue, task, "dead", attempts, reason),
        Outcome::Cancelled(reason) => {
            let reason = String::from_utf8_lossy(reason);
            emit(queue, task, "cancelled", task.header.attempt(), &reason)
        }
        Outcome::Expired => emit(queue, task, "expired", attempts, ""),
    }
}

/// Frees what a task holds, and takes it out of the lines in which it waits.
fn unlink(queue: &mut Queue<'_>, task: &Task) {
    unique::free(queue, task);
    group::leave(queue, task);
    dependencies::unlink(queue, task);
    expiry::remove(queue, task);
}

/// Removes a task. While a ready list still has its id, the bare header stays, invisible to every command.
pub(crate) fn remove(queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
    unlink(queue, task);
    targeted::forget(queue, task);
    if task.header.has(AWAITED) {
        dependencies::ended(queue, task, How::Failed("removed".into()));
    }
    outcome::publish_gone(queue, &task.id);
    task.header.flags &= !(UNIQUE | EXPIRES | TARGETED);
    if task.header.has(WITH_OPTIONS) {
        queue.keys.del(queue.name.options(&task.id));
        task.header.flags &= !WITH_OPTIONS;
    }
    if task.header.ghosts == 0 {
        queue.keys.del(queue.name.task(&task.id));
        return Ok(());
    }
    task.header.state = TaskState::Removed;
    queue.keys.set(queue.name.task(&task.id), &task.header.write(), b"")
}

/// Removes the tasks of ids that leave an index. Returns the ids that must stay, as their records are of a later
/// version.
pub(crate) fn erase<'i>(queue: &mut Queue<'_>, ids: &'i [Scored]) -> Result<Vec<&'i [u8]>> {
    let mut unreadable = Vec::new();
    for (_, id) in ids {
        match queue.read_header(id) {
            Some(mut task) => remove(queue, &mut task)?,
            None if later::is_later(queue, id) => unreadable.push(id.as_slice()),
            None => queue.log_skip("an id without a record"),
        }
    }
    Ok(unreadable)
}

/// Errors with `WrongType` unless every key that the end of a claim may write has the right type.
pub(crate) fn ensure_end_types(queue: &mut Queue<'_>, task: &Task) -> Result<()> {
    claimed::ensure_types(queue)?;
    scheduled::ensure_types(queue)?;
    dead::ensure_types(queue)?;
    queue.keys.ensure_type(queue.name.options(&task.id))?;
    if task.header.ghosts != 0 {
        queue.keys.ensure_type(queue.name.queue())?;
    }
    expiry::ensure_types(queue, task)?;
    events::ensure_types(queue)?;
    ensure_enqueue_types(queue, task)
}

/// Adds an event of a claimed task that is no problem, if the queue has those (`events-level`). A key of another type
/// does not keep the task from going on.
pub(crate) fn tell(queue: &mut Queue<'_>, task: &Task, what: &'static str, attempt: u64, text: &[u8]) {
    let level = match what {
        "done" => EventsLevel::Ends,
        _ => EventsLevel::All,
    };
    if queue.settings.numbers.events_level() < level {
        return;
    }
    let text = String::from_utf8_lossy(options::cut(text));
    if emit(queue, task, what, attempt, &text).is_err() {
        queue.log_skip("a stream of events of another type");
    }
}

fn emit(queue: &mut Queue<'_>, task: &Task, what: &'static str, attempt: u64, reason: &str) -> Result<()> {
    let sort = kind::of(queue, task);
    let worker = match task.header.worker {
        0 => None,
        number => queue.worker_name(number).unwrap_or(None),
    };
    let event = Event {
        kind: what,
        id: &task.id,
        worker: worker.as_deref().unwrap_or_default(),
        attempt,
        reason,
        task_kind: sort.as_deref().unwrap_or_default(),
    };
    events::emit(queue, &event)
}
