//! The TASK family: one file a command, and the few steps they share.
//!
//! A task is a record (`record`), perhaps extra fields (`extra`), and its id in exactly one index: the
//! scheduled set, a ready list (`ready`) or the set of ready tasks for one worker (`addressed`), the blocked set
//! (`blocked`), the claimed set, the done set (`retain`) or the dead set. `arrive` is a task's time coming, `take` hands
//! ready tasks to workers, `ending` is every way a claim or a task ends, `settle` what follows from that, `tick` what
//! time moves.

pub mod ack;
pub mod addressed;
pub mod after;
pub mod arrive;
pub mod blocked;
pub mod cancel;
pub mod claim;
pub mod conclusion;
pub mod config;
pub mod drop;
pub mod ending;
pub mod events;
pub mod expiring;
pub mod extend;
pub mod extra;
pub mod fail;
pub mod get;
pub mod gone;
pub mod group;
pub mod help;
pub mod limits;
pub mod list;
pub mod member;
pub mod mschedule;
pub mod new;
pub mod overview;
pub mod pause;
pub mod purge;
pub mod queues;
pub mod ready;
pub mod record;
pub mod recurring;
pub mod release;
pub mod repeat;
pub mod repeats;
pub mod replace;
pub mod replies;
pub mod reschedule;
pub mod result;
pub mod retain;
pub mod retry;
pub mod schedule;
pub mod serve;
pub mod settle;
pub mod show;
pub mod stats;
pub mod take;
pub mod tick;
pub mod unique;
pub mod unrepeat;
pub mod workers;

#[cfg(test)]
mod keyed;
#[cfg(test)]
mod life;
#[cfg(test)]
mod members;
#[cfg(test)]
mod results;
#[cfg(test)]
pub(crate) mod walk;
#[cfg(test)]
pub(crate) mod world;

use std::rc::Rc;

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::Answer;
use crate::names::{Index, Name};
use crate::queue::WorkerNumbers;
use crate::settings::Settings;
use crate::spec::Args;
use crate::unit::Unit;
use record::{HEADER, Record, State};

/// The queue a command was given.
pub fn queue(args: &Args<'_>, caller: &Caller<'_>) -> Result<Name, Error> {
    Name::new(caller.db, args.bytes("queue"))
}

/// The queue's settings, read from the hash when they are not in memory.
pub fn settings(unit: &mut Unit<'_>, name: &Name) -> Answer<Rc<Settings>> {
    if let Some(settings) = unit.memory.known_queue(name).and_then(|queue| queue.settings.as_ref()) {
        return Ok(settings.clone());
    }
    let settings = Rc::new(Settings::read(name, &unit.keys.hgetall(name.queue())?));
    // What is new must not look older than these.
    for number in settings
        .drops
        .last()
        .into_iter()
        .chain(settings.orphaned.iter().map(|(_, below)| below))
    {
        unit.saw_fence(*number);
    }
    if let Some(queue) = unit.memory.known_queue_mut(name) {
        queue.settings = Some(settings.clone());
        let other = (settings.service != *name).then_some(&settings.service);
        unit.memory.presence.follow(name, other);
    }
    Ok(settings)
}

/// The service whose members are the queue's workers.
pub fn service(unit: &mut Unit<'_>, name: &Name) -> Answer<Name> {
    settings(unit, name).map(|settings| settings.service.clone())
}

/// The queue's worker numbers, read from the hash when they are not in memory.
pub fn worker_numbers<'a>(unit: &'a mut Unit<'_>, name: &Name) -> Answer<&'a mut WorkerNumbers> {
    let known = unit.memory.queue(name).workers.is_some();
    if !known {
        let numbers = WorkerNumbers::read(unit.keys.hgetall(name.workers())?);
        unit.memory.queue(name).workers = Some(numbers);
    }
    Ok(unit.memory.queue(name).workers.get_or_insert_default())
}

/// The queue's worker numbers, without remembering a queue that is only looked at.
pub fn known_workers(unit: &mut Unit<'_>, name: &Name) -> Answer<WorkerNumbers> {
    match unit.memory.known_queue(name).and_then(|queue| queue.workers.as_ref()) {
        Some(numbers) => Ok(numbers.clone()),
        None => Ok(WorkerNumbers::read(unit.keys.hgetall(name.workers())?)),
    }
}

/// The worker of a number.
pub fn worker_name(unit: &mut Unit<'_>, name: &Name, number: u32) -> Answer<Option<String>> {
    if let Some(numbers) = unit.memory.known_queue(name).and_then(|queue| queue.workers.as_ref()) {
        return Ok(numbers.name(number).map(str::to_string));
    }
    let value = unit.keys.hget(name.workers(), number.to_string().as_bytes())?;
    Ok(value.and_then(|value| String::from_utf8(value).ok()))
}

/// The number of a worker, if it has one.
pub fn worker_number(unit: &mut Unit<'_>, name: &Name, worker: &str) -> Answer<Option<u32>> {
    Ok(known_workers(unit, name)?.number(worker))
}

/// The header of a task that exists, and nothing for one that does not (any more).
pub fn find(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Answer<Option<Record>> {
    let Some(bytes) = unit.keys.get_start(name.task(id), HEADER)? else {
        return Ok(None);
    };
    let record = Record::read(&bytes).ok_or(Error::Foreign)?;
    Ok(exists(&record, settings).then_some(record))
}

/// Whether a record is a task for any command: not removed, not dropped.
pub fn exists(record: &Record, settings: &Settings) -> bool {
    record.state != State::Removed && record.fence >= settings.dropped_below()
}

/// The header of the task that is claimed under this token: NOTASK, then STALE.
pub fn find_claim(unit: &mut Unit<'_>, name: &Name, id: &[u8], token: i64, settings: &Settings) -> Answer<Record> {
    let record = find(unit, name, id, settings)?.ok_or(Error::NoTask)?;
    let current = record.state == State::Claimed && i64::try_from(record.fence) == Ok(token);
    let queue = unit.memory.known_queue(name);
    let fenced = current && queue.is_some_and(|queue| queue.is_fenced(record.worker, record.fence));
    if current && !fenced {
        return Ok(record);
    }
    Err(Error::Stale(match record.state {
        State::Claimed if fenced => "on its way back",
        State::Claimed => "claimed again",
        _ => place(unit, name, id, &record)?,
    }))
}

/// The claim that ACK, FAIL, RELEASE and EXTEND are about: its queue, the settings and the task's header.
pub fn claim_of(
    args: &Args<'_>,
    caller: &Caller<'_>,
    unit: &mut Unit<'_>,
) -> Result<(Name, Rc<Settings>, Record), Error> {
    let name = queue(args, caller)?;
    let settings = settings(unit, &name)?;
    let token = args.int("token").unwrap_or(-1);
    let record = find_claim(unit, &name, args.text("id").as_bytes(), token, &settings)?;
    Ok((name, settings, record))
}

/// The word for where a task is: scheduled and ready are told apart by the scheduled set.
pub fn place(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Answer<&'static str> {
    Ok(match record.state {
        State::Waiting if unit.keys.zscore(name.index(Index::Scheduled), id)?.is_some() => "scheduled",
        State::Waiting => "ready",
        State::Claimed => "claimed",
        State::Blocked => "blocked",
        State::Dead => "dead",
        State::Done => "done",
        State::Removed => "removed",
    })
}
