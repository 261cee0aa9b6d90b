//! A task that is to be: what was asked for, and how it is written.

use std::collections::BTreeSet;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::backoff::Backoff;
use crate::command::{Args, Value};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::keyspace::Type;
use crate::names::{Id, Index, Part};
use crate::task::handle::{Queue, Task};
use crate::task::header::{self, Record, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::index::{dependencies, expiry, group, scheduled, targeted, unique};
use crate::task::lifecycle;
use crate::task::options::{OPTIONS, Options};
use crate::time::Wall;

/// The priority of a task that was given none.
const DEFAULT_PRIORITY: u8 = 5;

/// What a task is to be, apart from its id and payload.
#[derive(Debug)]
pub(crate) struct NewTask {
    /// When it is due; now or earlier: it is ready.
    pub due: Wall,
    /// Its priority.
    pub priority: u8,
    /// What differs from the queue's settings.
    pub options: Options,
}

/// The flags of a header that say what the options ask for.
const ASKED_FOR: u16 =
    header::EXPIRES | header::UNIQUE | header::RETAINED | header::GROUPED | header::TARGETED | header::REPLIES;
/// Those of a task that does not simply go to the end of a list when its time comes.
pub(crate) const SPECIAL: u16 = header::GROUPED | header::TARGETED;

impl NewTask {
    /// From the options of SCHEDULE and MSCHEDULE.
    pub(crate) fn from_args(args: &Args<'_>, context: &Context) -> Result<NewTask> {
        if !args.has_options() {
            return Ok(NewTask::now(context));
        }
        Ok(NewTask {
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
    pub(crate) fn now(context: &Context) -> NewTask {
        NewTask {
            due: context.wall,
            priority: DEFAULT_PRIORITY,
            options: Options::NONE,
        }
    }

    /// Sets the flags of a header that say what the options ask for, and no others of these.
    pub(crate) fn flag(&self, header: &mut Record) {
        header.flags &= !ASKED_FOR;
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
            (to.is_some(), header::TARGETED),
            (reply.is_some(), header::REPLIES),
        ] {
            if asked {
                header.flags |= flag;
            }
        }
    }

    /// Errors with `WrongType` unless the keys the task goes to have the right types.
    pub(crate) fn ensure_types(&self, queue: &mut Queue<'_>) -> Result<()> {
        if self.options.expire.is_some() {
            queue
                .keys
                .ensure_type(queue.name.of_queue(Part::Expiring), Type::SortedSet)?;
        }
        unique::ensure_types(queue, &self.options)?;
        if let Some(group) = &self.options.group {
            group::ensure_types(queue, group)?;
        }
        if let Some(worker) = &self.options.to {
            targeted::ensure_types(queue, worker)?;
        }
        if self.due > queue.context.wall {
            scheduled::ensure_types(queue)
        } else {
            ready::ensure_types(queue, self.priority)
        }
    }

    /// Writes one task. `old` is what is left of one that had the id.
    pub(crate) fn add(&self, queue: &mut Queue<'_>, id: Id, payload: &[u8], old: Option<Task>) -> Result<()> {
        let mut task = self.task(queue, id, old.as_ref().map_or(0, |old| old.header.fence));
        if let Some(old) = old {
            task.header.ghosts = old.header.ghosts;
            group::leave(queue, &old);
            targeted::forget(queue, &old);
            dependencies::unlink(queue, &old);
            queue.keys.del(queue.name.options(&old.id));
        }
        self.write_options(queue, &mut task)?;
        let at_once = self.due <= queue.context.wall;
        let special = task.header.has(SPECIAL) || task.header.is_ghost(self.priority);
        if !self.options.after.is_empty() {
            dependencies::add(queue, &task, &self.options.after)?;
            lifecycle::block(queue, &mut task)?;
        } else if at_once && special {
            lifecycle::enqueue(queue, &mut task, End::Tail)?;
        } else {
            self.place(queue, &[&task.id])?;
        }
        if !at_once || task.header.state == TaskState::Blocked {
            targeted::join(queue, &task)?;
        }
        queue
            .keys
            .set(queue.name.task(&task.id), &task.header.write(), payload)?;
        unique::take(queue, &task.id, &self.options)?;
        if task.header.state == TaskState::Waiting {
            self.expire(queue, &[&task.id])?;
        }
        count(queue, 1);
        Ok(())
    }

    /// Writes tasks with ids of the module's making, in order; if they are plain their index gets all ids in one go.
    pub(crate) fn add_all(&self, queue: &mut Queue<'_>, payloads: &[Value<'_>]) -> Result<Vec<Id>> {
        let mut ids = Vec::with_capacity(payloads.len());
        if self.options.group.is_some() || self.options.to.is_some() || !self.options.after.is_empty() {
            for payload in payloads {
                let id = queue.free_id();
                self.add(queue, id.clone(), payload.as_bytes(), None)?;
                ids.push(id);
            }
            return Ok(ids);
        }
        for payload in payloads {
            let id = queue.free_id();
            let mut task = self.task(queue, id, 0);
            self.write_options(queue, &mut task)?;
            let key = queue.name.task(&task.id);
            queue.keys.set(key, &task.header.write(), payload.as_bytes())?;
            ids.push(task.id);
        }
        let all: Vec<&[u8]> = ids.iter().map(Id::as_slice).collect();
        self.place(queue, &all)?;
        self.expire(queue, &all)?;
        count(queue, ids.len() as u64);
        Ok(ids)
    }

    fn task(&self, queue: &mut Queue<'_>, id: Id, last_fence: u64) -> Task {
        let fence = queue.next_fence(last_fence);
        let mut header = Record::new(fence, self.due, self.priority);
        self.flag(&mut header);
        Task::of(id, header)
    }

    /// From now on nobody claiming them in time drops these tasks.
    fn expire(&self, queue: &mut Queue<'_>, ids: &[&[u8]]) -> Result<()> {
        match self.options.expire {
            Some(ms) => expiry::add(queue, ids, self.due.max(queue.context.wall).after(ms)),
            None => Ok(()),
        }
    }

    fn write_options(&self, queue: &mut Queue<'_>, task: &mut Task) -> Result<()> {
        if !self.options.is_empty() {
            queue.put_field(task, OPTIONS, &self.options.to_json())?;
            task.set_options(Rc::new(self.options.clone()));
        }
        Ok(())
    }

    /// Puts ids that stand nowhere yet where the tasks belong.
    fn place(&self, queue: &mut Queue<'_>, ids: &[&[u8]]) -> Result<()> {
        if self.due <= queue.context.wall {
            return ready::push_all(queue, self.priority, ids);
        }
        let members: SmallVec<[(i64, &[u8]); 4]> = ids.iter().map(|id| (self.due.0, *id)).collect();
        queue.keys.zadd(queue.name.index(Index::Scheduled), &members)?;
        queue.wake_at(self.due);
        Ok(())
    }
}

fn count(queue: &mut Queue<'_>, tasks: u64) {
    queue.count(|totals| totals.scheduled += tasks);
    queue.memory().used = queue.context.steady;
}

/// The wall moment DELAY or AT stands for.
pub(crate) fn due(args: &Args<'_>, context: &Context) -> Option<Wall> {
    match (args.int("DELAY"), args.int("AT")) {
        (Some(delay), _) => Some(context.wall.after(delay)),
        (None, Some(at)) => Some(Wall(at)),
        (None, None) => None,
    }
}

/// Errors with `TooBig` unless the payload is within `steward.max-payload`.
pub(crate) fn ensure_size(payload: &[u8], context: &Context) -> Result<()> {
    let most = usize::try_from(context.config.max_payload).unwrap_or(usize::MAX);
    if payload.len() > most {
        return Err(Error::TooBig(most));
    }
    Ok(())
}

/// Those among the ids of AFTER that have not ended, each once. Errors with `NoParent` for one that is unknown, unless
/// MISSINGOK says that it counts as acknowledged, and for one that has ended otherwise, unless this does not matter
/// (ONFAIL RUN).
pub(crate) fn parents(args: &Args<'_>, queue: &mut Queue<'_>) -> Result<Vec<String>> {
    let mut parents = Vec::new();
    if !args.has("AFTER") {
        return Ok(parents);
    }
    if args.has("REPLACE") {
        return Err(Error::BadArg("AFTER contradicts REPLACE: give one of them".into()));
    }
    queue.keys.ensure_type(queue.name.index(Index::Blocked), Type::SortedSet)?;
    let runs_anyway = args.word("ONFAIL") == Some("RUN");
    let mut seen = BTreeSet::new();
    let ids = args.items_of("numids").iter().map(|id| id.as_text());
    for id in ids.filter(|id| seen.insert(*id)) {
        let parent = queue.find(id.as_bytes())?;
        let failed = match parent.as_ref().map(|parent| parent.header.state) {
            None if args.has("MISSINGOK") => continue,
            None => return Err(Error::NoParent(id.into(), "unknown")),
            Some(TaskState::Done | TaskState::Removed) => continue,
            Some(TaskState::Dead) => "dead",
            Some(TaskState::Claimed) if parent.is_some_and(|parent| parent.is_cancelled()) => "cancelled",
            Some(_) => {
                queue
                    .keys
                    .ensure_type(queue.name.after(id.as_bytes()), Type::SortedSet)?;
                parents.push(id.to_string());
                continue;
            }
        };
        if !runs_anyway {
            return Err(Error::NoParent(id.into(), failed));
        }
    }
    Ok(parents)
}
