//! A task that is to be: what was asked for, and how it is written.

use smallvec::SmallVec;

use crate::backoff::Backoff;
use crate::command::{Args, Value};
use crate::context::Context;
use crate::error::Error;
use crate::names::{Id, Index, Name, Part};
use crate::settings::QueueSettings;
use crate::task::commands::schedule::{due, free_id};
use crate::task::header::{self, Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::index::{dependencies, expiry, group, targeted, unique};
use crate::task::lifecycle;
use crate::task::options::{self, OPTIONS, Options};
use crate::time::Wall;
use crate::tx::Tx;

/// The priority of a task that was given none.
const DEFAULT_PRIORITY: u8 = 5;

/// What a task is to be, apart from its id and payload.
#[derive(Debug)]
pub(crate) struct New {
    /// When it is due; now or earlier: it is ready.
    pub due: Wall,
    /// Its priority.
    pub priority: u8,
    /// What differs from the queue's settings.
    pub options: Options,
}

/// The flags of a header that say what the options ask for.
const ASKED_FOR: u16 =
    header::EXPIRES | header::UNIQUE | header::RETAINED | header::GROUPED | header::ADDRESSED | header::REPLIES;
/// Those of a task that does not simply go to the end of a list when its time comes.
pub(crate) const SPECIAL: u16 = header::GROUPED | header::ADDRESSED;

impl New {
    /// From the options of SCHEDULE and MSCHEDULE.
    pub(crate) fn from_args(args: &Args<'_>, context: &Context) -> Result<New, Error> {
        if !args.has_options() {
            return Ok(New::now(context));
        }
        Ok(New {
            due: due(args, context).map_or(context.wall, |due| due.max(context.wall)),
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
    pub(crate) fn now(context: &Context) -> New {
        New {
            due: context.wall,
            priority: DEFAULT_PRIORITY,
            options: Options::default(),
        }
    }

    /// Sets the flags of a header that say what the options ask for, and no others of these.
    pub(crate) fn flag(&self, record: &mut Record) {
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
            (expire.is_some(), header::EXPIRES),
            (unique.is_some(), header::UNIQUE),
            (retain.is_some(), header::RETAINED),
            (group.is_some(), header::GROUPED),
            (to.is_some(), header::ADDRESSED),
            (reply.is_some(), header::REPLIES),
        ] {
            if asked {
                record.flags |= flag;
            }
        }
    }

    /// Nothing, when the keys the task goes to have their types.
    pub(crate) fn check(&self, tx: &mut Tx<'_>, name: &Name) -> Result<(), Error> {
        if self.options.expire.is_some() {
            tx.keys.ensure_type(name.of_queue(Part::Expiring))?;
        }
        unique::ensure_types(tx, name, &self.options)?;
        if let Some(group) = &self.options.group {
            group::ensure_types(tx, name, group)?;
        }
        if let Some(worker) = &self.options.to {
            targeted::ensure_types(tx, name, worker)?;
        }
        if self.due > tx.context.wall {
            tx.keys.ensure_type(name.index(Index::Scheduled))
        } else {
            ready::ensure_types(tx, name, self.priority)
        }
    }

    /// Writes one task. `old` is the record that has the id but is no task any more.
    pub(crate) fn add(
        &self,
        tx: &mut Tx<'_>,
        name: &Name,
        id: &[u8],
        payload: &[u8],
        old: Option<Record>,
        settings: &QueueSettings,
    ) -> Result<(), Error> {
        let mut record = self.record(tx, old.as_ref().map_or(0, |old| old.fence));
        if let Some(old) = old {
            record.ghosts = old.ghosts;
            group::leave(tx, name, id, &old);
            targeted::forget(tx, name, id, &old);
            dependencies::unlink(tx, name, id, &old);
            tx.keys.del(name.options(id));
        }
        self.write_options(tx, name, id, &mut record)?;
        if !self.options.after.is_empty() {
            dependencies::wait(tx, name, id, &mut record, &self.options.after)?;
            return self.finish(tx, name, id, record, payload);
        }
        let alone = record.has(SPECIAL) || record.is_ghost(self.priority);
        if alone && self.due <= tx.context.wall {
            let group = self.options.group.as_deref();
            lifecycle::enqueue_in(tx, name, id, &mut record, group, End::Tail, settings)?;
        } else {
            self.place(tx, name, &[id])?;
        }
        self.finish(tx, name, id, record, payload)
    }

    /// Writes the record of a task that stands where it belongs, and what else there is to it.
    fn finish(&self, tx: &mut Tx<'_>, name: &Name, id: &[u8], record: Record, payload: &[u8]) -> Result<(), Error> {
        if self.due > tx.context.wall || record.state == TaskState::Blocked {
            targeted::join(tx, name, id, &record)?;
        }
        tx.keys.set(name.task(id), &record.write(), payload)?;
        unique::take(tx, name, id, &self.options)?;
        if record.state == TaskState::Waiting {
            self.expire(tx, name, &[id])?;
        }
        count(tx, name, 1);
        Ok(())
    }

    /// Writes tasks with ids of the module's making, in order; if they are plain their index gets all ids in one go.
    pub(crate) fn add_all(
        &self,
        tx: &mut Tx<'_>,
        name: &Name,
        payloads: &[Value<'_>],
        settings: &QueueSettings,
    ) -> Result<Vec<Id>, Error> {
        let mut ids = Vec::with_capacity(payloads.len());
        if self.options.group.is_some() || self.options.to.is_some() || !self.options.after.is_empty() {
            for payload in payloads {
                let id = free_id(tx, name)?;
                self.add(tx, name, &id, payload.as_bytes(), None, settings)?;
                ids.push(id);
            }
            return Ok(ids);
        }
        for payload in payloads {
            let id = free_id(tx, name)?;
            let mut record = self.record(tx, 0);
            self.write_options(tx, name, &id, &mut record)?;
            tx.keys.set(name.task(&id), &record.write(), payload.as_bytes())?;
            ids.push(id);
        }
        let all: Vec<&[u8]> = ids.iter().map(Id::as_slice).collect();
        self.place(tx, name, &all)?;
        self.expire(tx, name, &all)?;
        count(tx, name, ids.len() as u64);
        Ok(ids)
    }

    fn record(&self, tx: &mut Tx<'_>, last_fence: u64) -> Record {
        let fence = tx.next_fence(last_fence);
        let mut record = Record::new(fence, self.due, self.priority);
        self.flag(&mut record);
        record
    }

    /// Notes when tasks go that nobody claimed in time.
    fn expire(&self, tx: &mut Tx<'_>, name: &Name, ids: &[&[u8]]) -> Result<(), Error> {
        match self.options.expire {
            Some(ms) => expiry::at(tx, name, ids, self.due.max(tx.context.wall).after(ms)),
            None => Ok(()),
        }
    }

    fn write_options(&self, tx: &mut Tx<'_>, name: &Name, id: &[u8], record: &mut Record) -> Result<(), Error> {
        if !self.options.is_empty() {
            options::put(tx, name, id, record, OPTIONS, &self.options.to_json())?;
        }
        Ok(())
    }

    /// Puts ids that stand nowhere yet where the tasks belong.
    fn place(&self, tx: &mut Tx<'_>, name: &Name, ids: &[&[u8]]) -> Result<(), Error> {
        if self.due > tx.context.wall {
            let members: SmallVec<[(i64, &[u8]); 4]> = ids.iter().map(|id| (self.due.0, *id)).collect();
            tx.keys.zadd(name.index(Index::Scheduled), &members)?;
            tx.state.wakeups.at_wall(name, self.due);
        } else {
            tx.keys.rpush(name.ready(self.priority), ids)?;
            tx.state.queue(name).maybe_ready |= 1 << self.priority;
        }
        Ok(())
    }
}

fn count(tx: &mut Tx<'_>, name: &Name, tasks: u64) {
    let now = tx.context.steady;
    tx.state.totals.scheduled += tasks;
    let queue = tx.state.queue(name);
    queue.totals.scheduled += tasks;
    queue.used = now;
}
