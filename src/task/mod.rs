//! The TASK family: one file a command, and the few steps they share.
//!
//! A task is a record (`record`), perhaps extra fields (`extra`), and its id in exactly one index: the
//! scheduled set, a ready list (`ready`) or the set of ready tasks for one worker (`addressed`), the blocked set
//! (`blocked`), the claimed set, the done set (`retain`) or the dead set. `arrive` is a task's time coming, `take` hands
//! ready tasks to workers, `ending` is every way a claim or a task ends, `settle` what follows from that, `tick` what
//! time moves.

pub(crate) mod commands;
pub(crate) mod dispatch;
pub(crate) mod events;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod index;
pub(crate) mod lifecycle;
pub(crate) mod new_task;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod overview;
pub(crate) mod recurring;
pub(crate) mod render;
pub(crate) mod replace;
pub(crate) mod reply_to;
pub(crate) mod revoke;
pub(crate) mod timer;
pub(crate) mod worker;
pub(crate) mod worklist;

#[cfg(test)]
pub(crate) mod tests;

use std::rc::Rc;

use crate::command::Args;
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Index, Name};
use crate::settings::QueueSettings;
use crate::state::queue::WorkerNumbers;
use crate::tx::Tx;
use header::{HEADER, Record, TaskState};

/// The queue a command was given.
pub(crate) fn queue(args: &Args<'_>, caller: &Caller<'_>) -> Result<Name, Error> {
    Name::new(caller.db, args.bytes("queue"))
}

/// The queue's settings, read from the hash when they are not in memory.
pub(crate) fn settings(tx: &mut Tx<'_>, name: &Name) -> Result<Rc<QueueSettings>> {
    if let Some(settings) = tx.state.known_queue(name).and_then(|queue| queue.settings.as_ref()) {
        return Ok(settings.clone());
    }
    let settings = Rc::new(QueueSettings::read(name, &tx.keys.hgetall(name.queue())?));
    // What is new must not look older than these.
    for number in settings
        .drops
        .last()
        .into_iter()
        .chain(settings.orphaned.iter().map(|(_, below)| below))
    {
        tx.saw_fence(*number);
    }
    if let Some(queue) = tx.state.known_queue_mut(name) {
        queue.settings = Some(settings.clone());
        let other = (settings.service != *name).then_some(&settings.service);
        tx.state.services.follow(name, other);
    }
    Ok(settings)
}

/// The service whose members are the queue's workers.
pub(crate) fn service(tx: &mut Tx<'_>, name: &Name) -> Result<Name> {
    settings(tx, name).map(|settings| settings.service.clone())
}

/// The queue's worker numbers, read from the hash when they are not in memory.
pub(crate) fn worker_numbers<'a>(tx: &'a mut Tx<'_>, name: &Name) -> Result<&'a mut WorkerNumbers> {
    let known = tx.state.queue(name).workers.is_some();
    if !known {
        let numbers = WorkerNumbers::read(tx.keys.hgetall(name.workers())?);
        tx.state.queue(name).workers = Some(numbers);
    }
    Ok(tx.state.queue(name).workers.get_or_insert_default())
}

/// The queue's worker numbers, without remembering a queue that is only looked at.
pub(crate) fn known_workers(tx: &mut Tx<'_>, name: &Name) -> Result<WorkerNumbers> {
    match tx.state.known_queue(name).and_then(|queue| queue.workers.as_ref()) {
        Some(numbers) => Ok(numbers.clone()),
        None => Ok(WorkerNumbers::read(tx.keys.hgetall(name.workers())?)),
    }
}

/// The worker of a number.
pub(crate) fn worker_name(tx: &mut Tx<'_>, name: &Name, number: u32) -> Result<Option<String>> {
    if let Some(numbers) = tx.state.known_queue(name).and_then(|queue| queue.workers.as_ref()) {
        return Ok(numbers.name(number).map(str::to_string));
    }
    let value = tx.keys.hget(name.workers(), number.to_string().as_bytes())?;
    Ok(value.and_then(|value| String::from_utf8(value).ok()))
}

/// The number of a worker, if it has one.
pub(crate) fn worker_number(tx: &mut Tx<'_>, name: &Name, worker: &str) -> Result<Option<u32>> {
    Ok(known_workers(tx, name)?.number(worker))
}

/// The header of a task that exists, and nothing for one that does not (any more).
pub(crate) fn find(tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Result<Option<Record>> {
    let Some(bytes) = tx.keys.get_start(name.task(id), HEADER)? else {
        return Ok(None);
    };
    let record = Record::read(&bytes).ok_or(Error::Foreign)?;
    Ok(exists(&record, settings).then_some(record))
}

/// Whether a record is a task for any command: not removed, not dropped.
pub(crate) fn exists(record: &Record, settings: &QueueSettings) -> bool {
    record.state != TaskState::Removed && record.fence >= settings.dropped_below()
}

/// The header of the task that is claimed under this token: NOTASK, then STALE.
pub(crate) fn find_claim(
    tx: &mut Tx<'_>,
    name: &Name,
    id: &[u8],
    token: i64,
    settings: &QueueSettings,
) -> Result<Record> {
    let record = find(tx, name, id, settings)?.ok_or(Error::NoTask)?;
    let current = record.state == TaskState::Claimed && i64::try_from(record.fence) == Ok(token);
    let queue = tx.state.known_queue(name);
    let fenced = current && queue.is_some_and(|queue| queue.is_fenced(record.worker, record.fence));
    if current && !fenced {
        return Ok(record);
    }
    Err(Error::Stale(match record.state {
        TaskState::Claimed if fenced => "on its way back",
        TaskState::Claimed => "claimed again",
        _ => place(tx, name, id, &record)?,
    }))
}

/// The claim that ACK, FAIL, RELEASE and EXTEND are about: its queue, the settings and the task's header.
pub(crate) fn claim_of(
    args: &Args<'_>,
    caller: &Caller<'_>,
    tx: &mut Tx<'_>,
) -> Result<(Name, Rc<QueueSettings>, Record), Error> {
    let name = queue(args, caller)?;
    let settings = settings(tx, &name)?;
    let token = args.int("token").unwrap_or(-1);
    let record = find_claim(tx, &name, args.text("id").as_bytes(), token, &settings)?;
    Ok((name, settings, record))
}

/// The word for where a task is: scheduled and ready are told apart by the scheduled set.
pub(crate) fn place(tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &Record) -> Result<&'static str> {
    Ok(match record.state {
        TaskState::Waiting if tx.keys.zscore(name.index(Index::Scheduled), id)?.is_some() => "scheduled",
        TaskState::Waiting => "ready",
        TaskState::Claimed => "claimed",
        TaskState::Blocked => "blocked",
        TaskState::Dead => "dead",
        TaskState::Done => "done",
        TaskState::Removed => "removed",
    })
}
