//! TASK.RESCHEDULE: another due time or priority for a task that waits.

use crate::env::Caller;
use crate::error::Error;
use crate::keyspace::{Answer, Type};
use crate::names::{Index, Name};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::task::ready::{self, End};
use crate::task::record::{Record, State};
use crate::task::schedule::{PRIORITY, WHEN, due};
use crate::task::{arrive, expiring, serve};
use crate::time::Wall;
use crate::unit::{Command, Outcome, Unit};

/// TASK.RESCHEDULE.
pub struct Reschedule;

impl Command for Reschedule {
    const SPEC: Spec = Spec {
        name: "TASK.RESCHEDULE",
        summary: "Changes when a scheduled or ready task is due, or its priority.",
        complexity: "O(log N) for N scheduled tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::ID, WHEN, PRIORITY],
        reply: "the due time, unix ms",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let id = args.text("id").as_bytes();
        let due = due(args, &unit.env);
        let priority = args.int("PRIORITY").and_then(|priority| u8::try_from(priority).ok());
        if due.is_none() && priority.is_none() {
            return Err(Error::BadArg("give DELAY, AT or PRIORITY".into()));
        }
        let settings = super::settings(unit, &name)?;
        let mut record = super::find(unit, &name, id, &settings)?.ok_or(Error::NoTask)?;
        if record.state != State::Waiting {
            return Err(Error::NotWaiting(super::place(unit, &name, id, &record)?));
        }
        let priority = priority.unwrap_or(record.priority);
        unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)?;
        unit.keys.expect(name.queue(), Type::Hash)?;
        arrive::expect(unit, &name, id, &record)?;
        ready::expect(unit, &name, priority)?;
        expiring::expect(unit, &name, &record)?;
        let before = record.due;
        change(unit, &name, id, &mut record, due, priority, &settings)?;
        if record.due != before && record.state == State::Waiting {
            let ready = record.due.max(unit.env.wall);
            expiring::note(unit, &name, id, &record, ready)?;
        }
        unit.keys.set_start(name.task(id), &record.write())?;
        serve::serve(unit, &name);
        Ok(Reply::Int(record.due.0).into())
    }
}

/// Moves a task that waits to where it belongs with that due time and priority; without a due time it keeps its
/// own, and one that is ready keeps its place when it stays ready. One that would be ready may be blocked instead.
/// The caller has checked all keys, and writes the header.
pub fn change(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
    settings: &Settings,
) -> Answer<()> {
    if unit.keys.zscore(name.index(Index::Scheduled), id)?.is_some() {
        scheduled(unit, name, id, record, due, priority, settings)
    } else {
        ready(unit, name, id, record, due, priority)
    }
}

fn scheduled(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
    settings: &Settings,
) -> Answer<()> {
    record.priority = priority;
    let Some(due) = due else {
        return Ok(());
    };
    record.due = due;
    if due > unit.env.wall {
        unit.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
        unit.memory.agenda.at_wall(name, due);
        return Ok(());
    }
    unit.keys.zrem(name.index(Index::Scheduled), &[id])?;
    arrive::arrive(unit, name, id, record, End::Tail, settings)?;
    Ok(())
}

fn ready(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    due: Option<Wall>,
    priority: u8,
) -> Answer<()> {
    if let Some(due) = due.filter(|due| *due > unit.env.wall) {
        ready::leave(unit, name, id, record)?;
        record.priority = priority;
        record.due = due;
        unit.keys.zadd(name.index(Index::Scheduled), &[(due.0, id)])?;
        unit.memory.agenda.at_wall(name, due);
    } else if priority != record.priority {
        ready::leave(unit, name, id, record)?;
        record.priority = priority;
        ready::push(unit, name, id, record, End::Tail)?;
    }
    Ok(())
}
