//! TASK.SCHEDULE: a task for now or for later.

use smallvec::SmallVec;

use crate::backoff::{self, Backoff};
use crate::config::MAX_ATTEMPTS;
use crate::env::{Caller, Env};
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Id, Index, Name, Part};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::spec::{Access, Arg, Args, Keys, Kind, Spec, Value};
use crate::task::after::{self, AFTER};
use crate::task::extra::{self, OPTIONS, Options};
use crate::task::ready::End;
use crate::task::record::{self, HEADER, Record, State, generated_id};
use crate::task::replies::{self, REPLY};
use crate::task::{addressed, arrive, expiring, group, limits, ready, replace, serve, unique};
use crate::time::{MAX_DELAY, MAX_LEASE, MAX_UNIX_MS, MIN_UNIX_MS, Wall};
use crate::unit::{Command, Outcome, Unit};

/// DELAY or AT.
pub const WHEN: Arg = Arg::value(
    "when",
    Kind::OneOf(&[
        Arg::duration("DELAY", 0, MAX_DELAY),
        Arg::option(
            "AT",
            "unix-ms",
            Kind::Int(MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds"),
        ),
    ]),
);
/// PRIORITY.
pub const PRIORITY: Arg = Arg::option("PRIORITY", "priority", Kind::Int(0, 9, ""));
/// ATTEMPTS.
pub const ATTEMPTS: Arg = Arg::option("ATTEMPTS", "n", Kind::Int(1, MAX_ATTEMPTS, ""));
/// BACKOFF.
pub const BACKOFF: Arg = Arg::option("BACKOFF", "backoff", Kind::Group(backoff::ARGS));
/// LEASE.
pub const LEASE: Arg = Arg::duration("LEASE", 1, MAX_LEASE);
/// EXPIRE.
pub const EXPIRE: Arg = Arg::duration("EXPIRE", 1, MAX_DELAY);
/// UNIQUE.
pub const UNIQUE: Arg = Arg::option(
    "UNIQUE",
    "unique",
    Kind::Group(&[
        Arg::value("key", Kind::Text),
        Arg::duration("FOR", 1, MAX_DELAY),
        Arg::flag("REPLACE"),
    ]),
);

/// GROUP.
pub const GROUP: Arg = Arg::option("GROUP", "key", Kind::Text);
/// TO.
pub const TO: Arg = Arg::option("TO", "worker", Kind::Text);
/// RETAIN.
pub const RETAIN: Arg = Arg::duration("RETAIN", 0, MAX_DELAY);

/// What a recurring task may say of its occurrences: the options of SCHEDULE but for those that are about one task
/// (ID, DELAY, AT, UNIQUE).
pub const TASK_OPTIONS: &[Arg] = &[PRIORITY, ATTEMPTS, BACKOFF, LEASE, EXPIRE, RETAIN, GROUP, TO, REPLY];

/// The priority of a task that was given none.
const DEFAULT_PRIORITY: u8 = 5;

/// TASK.SCHEDULE.
pub struct Schedule;

impl Command for Schedule {
    const SPEC: Spec = Spec {
        name: "TASK.SCHEDULE",
        summary: "Schedules a task: ready at once, after DELAY or AT a time. With EXPIRE it is dropped when nobody claimed it that long after it became ready. With UNIQUE no other task of the key waits or runs, or none is accepted FOR a time; REPLACE: one that waits becomes this one. Those of a GROUP run one at a time, in order. TO: only that worker may claim it, until its membership ends. AFTER: it is blocked until those tasks are acknowledged.",
        complexity: "O(1), O(log N) with a delay",
        access: Access::Grow,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("payload", Kind::Bytes),
            Arg::option("ID", "id", Kind::Text),
            WHEN,
            PRIORITY,
            ATTEMPTS,
            BACKOFF,
            LEASE,
            EXPIRE,
            RETAIN,
            UNIQUE,
            GROUP,
            TO,
            REPLY,
            AFTER,
        ],
        reply: "the id, with REPLACE perhaps that of the task that waited",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let mut new = New::from_args(args, &unit.env)?;
        replies::check(args, &name, caller)?;
        let settings = super::settings(unit, &name)?;
        new.options.after = after::check(args, unit, &name, &settings)?;
        new.check(unit, &name)?;
        check_payload(args.bytes("payload"), &unit.env)?;
        if let Some(id) = replace::replace(args, unit, &name, &new, &settings)? {
            serve::serve(unit, &name);
            return Ok(Reply::Id(id).into());
        }
        let (id, old) = match args.get("ID") {
            Some(id) => (
                Id::from_slice(id.as_bytes()),
                old_record(unit, &name, id.as_bytes(), &settings)?,
            ),
            None => (free_id(unit, &name)?, None),
        };
        limits::expect_length(unit, &name, 1, &settings)?;
        if old.as_ref().is_some_and(|old| old.stale != 0) {
            unit.keys.expect(name.queue(), Type::Hash)?;
        }
        new.add(unit, &name, &id, args.bytes("payload"), old, &settings)?;
        serve::serve(unit, &name);
        Ok(Reply::Id(id).into())
    }
}

/// What a task is to be, apart from its id and payload.
#[derive(Debug)]
pub struct New {
    /// When it is due; now or earlier: it is ready.
    pub due: Wall,
    /// Its priority.
    pub priority: u8,
    /// What differs from the queue's settings.
    pub options: Options,
}

/// The flags of a header that say what the options ask for.
const ASKED_FOR: u16 =
    record::EXPIRES | record::UNIQUE | record::RETAINED | record::GROUPED | record::ADDRESSED | record::REPLIES;
/// Those of a task that does not simply go to the end of a list when its time comes.
pub const SPECIAL: u16 = record::GROUPED | record::ADDRESSED;

impl New {
    /// From the options of SCHEDULE and MSCHEDULE.
    pub fn from_args(args: &Args<'_>, env: &Env) -> Result<New, Error> {
        if !args.has_options() {
            return Ok(New::now(env));
        }
        Ok(New {
            due: due(args, env).map_or(env.wall, |due| due.max(env.wall)),
            priority: args
                .int("PRIORITY")
                .and_then(|priority| u8::try_from(priority).ok())
                .unwrap_or(DEFAULT_PRIORITY),
            options: Options {
                attempts: args.int("ATTEMPTS").and_then(|attempts| u64::try_from(attempts).ok()),
                backoff: Backoff::from_args(args).map(|rule| rule.to_string()),
                lease: args.int("LEASE"),
                expire: args.int("EXPIRE"),
                unique: args.has("key").then(|| args.text("key").to_string()),
                unique_for: args.int("FOR"),
                group: args.has("GROUP").then(|| args.text("GROUP").to_string()),
                to: args.has("TO").then(|| args.text("TO").to_string()),
                after: Vec::new(),
                onfail_run: args.word("ONFAIL") == Some("RUN"),
                retain: args.int("RETAIN"),
                reply: args.has("REPLY").then(|| args.text("REPLY").to_string()),
            },
        })
    }

    /// A plain task, ready at once.
    pub fn now(env: &Env) -> New {
        New {
            due: env.wall,
            priority: DEFAULT_PRIORITY,
            options: Options::default(),
        }
    }

    /// Sets the flags of a header that say what the options ask for, and no others of these.
    pub fn flag(&self, record: &mut Record) {
        record.flags &= !ASKED_FOR;
        let Options {
            expire,
            unique,
            retain,
            group,
            to,
            reply,
            ..
        } = &self.options;
        for (asked, flag) in [
            (expire.is_some(), record::EXPIRES),
            (unique.is_some(), record::UNIQUE),
            (retain.is_some(), record::RETAINED),
            (group.is_some(), record::GROUPED),
            (to.is_some(), record::ADDRESSED),
            (reply.is_some(), record::REPLIES),
        ] {
            if asked {
                record.flags |= flag;
            }
        }
    }

    /// Nothing, when the keys the task goes to have their types.
    pub fn check(&self, unit: &mut Unit<'_>, name: &Name) -> Result<(), Error> {
        if self.options.expire.is_some() {
            unit.keys.expect(name.of_queue(Part::Expiring), Type::SortedSet)?;
        }
        unique::expect(unit, name, &self.options)?;
        if let Some(group) = &self.options.group {
            group::expect(unit, name, group)?;
        }
        if let Some(worker) = &self.options.to {
            addressed::expect(unit, name, worker)?;
        }
        if self.due > unit.env.wall {
            unit.keys.expect(name.index(Index::Scheduled), Type::SortedSet)
        } else {
            ready::expect(unit, name, self.priority)
        }
    }

    /// Writes one task. `old` is the record that has the id but is no task any more.
    pub fn add(
        &self,
        unit: &mut Unit<'_>,
        name: &Name,
        id: &[u8],
        payload: &[u8],
        old: Option<Record>,
        settings: &Settings,
    ) -> Result<(), Error> {
        let mut record = self.record(unit, old.as_ref().map_or(0, |old| old.fence));
        if let Some(old) = old {
            record.stale = old.stale;
            group::leave(unit, name, id, &old);
            addressed::forget(unit, name, id, &old);
            after::unlink(unit, name, id, &old);
            unit.keys.del(name.extra(id));
        }
        self.write_options(unit, name, id, &mut record)?;
        if !self.options.after.is_empty() {
            after::wait(unit, name, id, &mut record, &self.options.after)?;
            return self.finish(unit, name, id, record, payload);
        }
        let alone = record.has(SPECIAL) || record.is_stale(self.priority);
        if alone && self.due <= unit.env.wall {
            let group = self.options.group.as_deref();
            arrive::arrive_in(unit, name, id, &mut record, group, End::Tail, settings)?;
        } else {
            self.place(unit, name, &[id])?;
        }
        self.finish(unit, name, id, record, payload)
    }

    /// Writes the record of a task that stands where it belongs, and what else there is to it.
    fn finish(&self, unit: &mut Unit<'_>, name: &Name, id: &[u8], record: Record, payload: &[u8]) -> Result<(), Error> {
        if self.due > unit.env.wall || record.state == State::Blocked {
            addressed::join(unit, name, id, &record)?;
        }
        unit.keys.set(name.task(id), &record.write(), payload)?;
        unique::take(unit, name, id, &self.options)?;
        if record.state == State::Waiting {
            self.expire(unit, name, &[id])?;
        }
        count(unit, name, 1);
        Ok(())
    }

    /// Writes tasks with ids of the module's making, in order; if they are plain their index gets all ids in one go.
    pub fn add_all(
        &self,
        unit: &mut Unit<'_>,
        name: &Name,
        payloads: &[Value<'_>],
        settings: &Settings,
    ) -> Result<Vec<Id>, Error> {
        let mut ids = Vec::with_capacity(payloads.len());
        if self.options.group.is_some() || self.options.to.is_some() || !self.options.after.is_empty() {
            for payload in payloads {
                let id = free_id(unit, name)?;
                self.add(unit, name, &id, payload.as_bytes(), None, settings)?;
                ids.push(id);
            }
            return Ok(ids);
        }
        for payload in payloads {
            let id = free_id(unit, name)?;
            let mut record = self.record(unit, 0);
            self.write_options(unit, name, &id, &mut record)?;
            unit.keys.set(name.task(&id), &record.write(), payload.as_bytes())?;
            ids.push(id);
        }
        let all: Vec<&[u8]> = ids.iter().map(Id::as_slice).collect();
        self.place(unit, name, &all)?;
        self.expire(unit, name, &all)?;
        count(unit, name, ids.len() as u64);
        Ok(ids)
    }

    fn record(&self, unit: &mut Unit<'_>, last_fence: u64) -> Record {
        let fence = unit.next_fence(last_fence);
        let mut record = Record::new(fence, self.due, self.priority);
        self.flag(&mut record);
        record
    }

    /// Notes when tasks go that nobody claimed in time.
    fn expire(&self, unit: &mut Unit<'_>, name: &Name, ids: &[&[u8]]) -> Result<(), Error> {
        match self.options.expire {
            Some(ms) => expiring::at(unit, name, ids, self.due.max(unit.env.wall).after(ms)),
            None => Ok(()),
        }
    }

    fn write_options(&self, unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<(), Error> {
        if !self.options.is_empty() {
            extra::put(unit, name, id, record, OPTIONS, &self.options.to_json())?;
        }
        Ok(())
    }

    /// Puts ids that stand nowhere yet where the tasks belong.
    fn place(&self, unit: &mut Unit<'_>, name: &Name, ids: &[&[u8]]) -> Result<(), Error> {
        if self.due > unit.env.wall {
            let members: SmallVec<[(i64, &[u8]); 4]> = ids.iter().map(|id| (self.due.0, *id)).collect();
            unit.keys.zadd(name.index(Index::Scheduled), &members)?;
            unit.memory.agenda.at_wall(name, self.due);
        } else {
            unit.keys.rpush(name.ready(self.priority), ids)?;
            unit.memory.queue(name).maybe_ready |= 1 << self.priority;
        }
        Ok(())
    }
}

fn count(unit: &mut Unit<'_>, name: &Name, tasks: u64) {
    let now = unit.env.steady;
    unit.memory.totals.scheduled += tasks;
    let queue = unit.memory.queue(name);
    queue.totals.scheduled += tasks;
    queue.used = now;
}

/// The wall moment DELAY or AT stands for.
pub fn due(args: &Args<'_>, env: &Env) -> Option<Wall> {
    match (args.int("DELAY"), args.int("AT")) {
        (Some(delay), _) => Some(env.wall.after(delay)),
        (None, Some(at)) => Some(Wall(at)),
        (None, None) => None,
    }
}

/// Nothing, when the payload is within `steward.max-payload`.
pub fn check_payload(payload: &[u8], env: &Env) -> Result<(), Error> {
    let most = usize::try_from(env.settings.max_payload).unwrap_or(usize::MAX);
    if payload.len() > most {
        return Err(Error::TooBig(most));
    }
    Ok(())
}

/// An id of the module's making that nobody else has used.
pub fn free_id(unit: &mut Unit<'_>, name: &Name) -> Result<Id, Error> {
    loop {
        let id = generated_id(unit.next_fence(0));
        if !unit.keys.exists(name.task(&id)) {
            return Ok(Id::from_slice(&id));
        }
    }
}

/// `DUPLICATE` when the id is a task's; else the record that is left of one, if any.
pub fn old_record(unit: &mut Unit<'_>, name: &Name, id: &[u8], settings: &Settings) -> Result<Option<Record>, Error> {
    let Some(bytes) = unit.keys.get_start(name.task(id), HEADER)? else {
        return Ok(None);
    };
    let mut record = Record::read(&bytes).ok_or(Error::Foreign)?;
    if super::exists(&record, settings) {
        return Err(Error::Duplicate(String::from_utf8_lossy(id).into_owned()));
    }
    if record.state != State::Removed || record.fence < settings.dropped_below() {
        // Its ids stand in indexes that are set aside and swept.
        record.stale = 0;
    }
    Ok(Some(record))
}
