//! A task that is to be: what was asked for, and how it is written.

use smallvec::SmallVec;

use crate::backoff::Backoff;
use crate::env::Env;
use crate::error::Error;
use crate::keyspace::Type;
use crate::names::{Id, Index, Name, Part};
use crate::settings::Settings;
use crate::spec::{Args, Value};
use crate::task::extra::{self, OPTIONS, Options};
use crate::task::ready::{self, End};
use crate::task::record::{self, Record, State};
use crate::task::schedule::{due, free_id};
use crate::task::{addressed, after, arrive, expiring, group, unique};
use crate::time::Wall;
use crate::unit::Unit;

/// The priority of a task that was given none.
const DEFAULT_PRIORITY: u8 = 5;

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
