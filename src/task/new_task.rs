//! A new task: what was asked for, and how it is written.

use std::rc::Rc;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::names::{Id, Part};
use crate::settings::kinds::OTHER;
use crate::task::handle::{Queue, Task};
use crate::task::header::{self, EPOCH, Header, TaskState};
use crate::task::index::ready::{self, End};
use crate::task::index::{dead, dependencies, done, expiry, group, scheduled, targeted, unique};
use crate::task::kind;
use crate::task::lifecycle;
use crate::task::options::{self, ERROR, Hold, OPTIONS, Options, RouteOptions, RunOptions, UniqueArgs, UsedArgs, When};
use crate::task::worker;
use crate::time::Wall;

/// The priority of a task that was given none.
pub(crate) const DEFAULT_PRIORITY: u8 = 5;

/// A new task, apart from its id and payload.
#[derive(Debug)]
pub(crate) struct NewTask {
    /// When it is due; ready at once if that is now or earlier.
    pub due: Wall,
    /// Its priority, if it was given one.
    pub priority: Option<u8>,
    /// Its own options.
    pub options: Options,
    /// Whether the worker that it is for must be there.
    pub now: bool,
    /// What it has behind it, if it comes from elsewhere.
    past: Option<Past>,
    /// The number of its kind, once it is known.
    kind: u16,
}

/// What a task that comes from elsewhere has behind it. Totals do not count it.
#[derive(Debug)]
struct Past {
    attempts: u64,
    created: Wall,
    /// Its error if it is a dead letter.
    dead: Option<Vec<u8>>,
}

/// All flags that follow from options.
const ASKED_FOR: u16 =
    header::EXPIRES | header::UNIQUE | header::RETAINED | header::GROUPED | header::TARGETED | header::REPLIES;
/// Flags of a task that does not simply go to the tail of a list when it is due.
pub(crate) const SPECIAL: u16 = header::GROUPED | header::TARGETED;

impl NewTask {
    /// From the options that SCHEDULE, MSCHEDULE and REPEAT share.
    pub(crate) fn asked(run: &RunOptions<'_>, route: &RouteOptions<'_>, context: &Context) -> NewTask {
        NewTask {
            due: context.wall,
            priority: run.priority,
            options: Options::asked(run, route),
            now: route.to.as_ref().is_some_and(|to| to.now),
            past: None,
            kind: 0,
        }
    }

    /// With this due time, or now if that has passed.
    pub(crate) fn at(mut self, when: Option<&When>, context: &Context) -> NewTask {
        if let Some(when) = when {
            self.due = when.due(context).max(context.wall);
        }
        self
    }

    /// With a unique key.
    pub(crate) fn unique(mut self, unique: Option<&UniqueArgs<'_>>) -> NewTask {
        if let Some(UniqueArgs { key, hold, .. }) = unique {
            self.options.unique = Some((*key).to_string());
            match hold {
                Some(Hold::For(time)) => self.options.unique_for = Some(*time),
                Some(Hold::Until(_)) => self.options.unique_until_claim = true,
                None => {}
            }
        }
        self
    }

    /// With what it has behind it elsewhere. Errors with `BadArg` if that leaves it no attempt.
    pub(crate) fn used(&mut self, queue: &Queue<'_>, used: Option<&UsedArgs<'_>>) -> Result<()> {
        let Some(used) = used else {
            return Ok(());
        };
        let most = queue.max_attempts(&self.options);
        if used.dead.is_none() && used.attempts >= most {
            let used = used.attempts;
            return Err(Error::BadArg(format!(
                "USED {used} leaves none of {most} attempts: give DEAD, or more ATTEMPTS"
            )));
        }
        let now = queue.context.wall;
        self.past = Some(Past {
            attempts: used.attempts,
            created: used.created.map_or(now, |at| Wall(at).clamp(EPOCH, now.max(EPOCH))),
            dead: used.dead.map(|error| options::cut(error).to_vec()),
        });
        Ok(())
    }

    /// Whether it is a dead letter from the beginning.
    pub(crate) fn is_dead(&self) -> bool {
        self.past.as_ref().is_some_and(|past| past.dead.is_some())
    }

    /// A plain task, ready at once.
    pub(crate) fn now(context: &Context) -> NewTask {
        NewTask {
            due: context.wall,
            priority: None,
            options: Options::NONE,
            now: false,
            past: None,
            kind: 0,
        }
    }

    /// Sets those flags of a header that follow from the options, and clears the others; and the kind.
    pub(crate) fn flag(&self, header: &mut Header) {
        header.flags = header.flags & !ASKED_FOR | self.options.flags();
        header.kind = self.kind;
    }

    /// Its priority, 0 to 9.
    pub(crate) fn priority(&self) -> u8 {
        self.priority.unwrap_or(DEFAULT_PRIORITY)
    }

    /// Finds the number of its kind, when nothing can keep it from being added any more.
    pub(crate) fn number_kind(&mut self, queue: &mut Queue<'_>) -> Result<()> {
        if let Some(name) = self.options.kind.take() {
            self.kind = kind::number(queue, &name)?;
            self.options.kind = (self.kind == OTHER).then_some(name);
        }
        Ok(())
    }

    /// Errors with `NoMember` if the worker that it is for must be there and is not.
    pub(crate) fn ensure_there(&self, queue: &mut Queue<'_>) -> Result<()> {
        match &self.options.to {
            Some(worker) if self.now => worker::ensure_there(queue, worker),
            _ => Ok(()),
        }
    }

    /// Errors with `WrongType` unless the keys the task goes to have the right types.
    pub(crate) fn ensure_types(&self, queue: &mut Queue<'_>) -> Result<()> {
        if let Some(worker) = &self.options.to {
            targeted::ensure_types(queue, worker)?;
        }
        if self.options.expire.is_some() {
            queue.keys.ensure_type(queue.name.of_queue(Part::Expiring))?;
        }
        if self.is_dead() {
            return dead::ensure_types(queue);
        }
        unique::ensure_types(queue, &self.options)?;
        if let Some(group) = &self.options.group {
            group::ensure_types(queue, group)?;
        }
        if self.due > queue.context.wall {
            scheduled::ensure_types(queue)
        } else {
            ready::ensure_types(queue, self.priority())
        }
    }

    /// Writes one task. `old` is what is left of an earlier task with this id.
    pub(crate) fn add(&self, queue: &mut Queue<'_>, id: Id, payload: &[u8], old: Option<Task>) -> Result<()> {
        let mut task = self.task(queue, id, old.as_ref().map_or(0, |old| old.header.fence));
        if let Some(mut old) = old {
            task.header.ghosts = old.header.ghosts;
            group::leave(queue, &old);
            targeted::forget(queue, &old);
            dependencies::unlink(queue, &old);
            dependencies::dropped(queue, &mut old);
            if old.header.state.is_kept() {
                done::remove(queue, &old);
            }
            queue.keys.del(queue.name.options(&old.id));
        }
        self.write_options(queue, &mut task)?;
        let at_once = self.due <= queue.context.wall;
        let special = task.header.has(SPECIAL) || task.header.is_ghost(self.priority());
        if let Some(Past { dead: Some(error), .. }) = &self.past {
            queue.put_field(&mut task, ERROR, error)?;
            lifecycle::rest_dead(queue, &mut task)?;
        } else if self.options.parents() > 0 {
            dependencies::add(queue, &task, &self.options)?;
            lifecycle::block(queue, &mut task)?;
        } else if at_once && special {
            lifecycle::enqueue(queue, &mut task, End::Tail)?;
        } else {
            self.place(queue, &[&task.id])?;
        }
        if !at_once || task.header.state != TaskState::Waiting {
            targeted::join(queue, &task)?;
        }
        queue
            .keys
            .set(queue.name.task(&task.id), &task.header.write(), payload)?;
        if task.header.state == TaskState::Dead {
            lifecycle::trim_dead(queue)?;
            return Ok(());
        }
        unique::take(queue, &task.id, &self.options)?;
        if task.header.state == TaskState::Waiting {
            self.expire(queue, &[&task.id])?;
        }
        if self.past.is_none() {
            count(queue, 1);
        }
        Ok(())
    }

    /// Writes tasks with generated ids, in order; the ids of plain ones go to their index in one call.
    pub(crate) fn add_all(&self, queue: &mut Queue<'_>, payloads: &[&[u8]]) -> Result<Vec<Id>> {
        let mut ids = Vec::with_capacity(payloads.len());
        if self.options.group.is_some() || self.options.to.is_some() || self.options.parents() > 0 {
            for payload in payloads {
                let id = queue.free_id();
                self.add(queue, id.clone(), payload, None)?;
                ids.push(id);
            }
            return Ok(ids);
        }
        for payload in payloads {
            let id = queue.free_id();
            let mut task = self.task(queue, id, 0);
            self.write_options(queue, &mut task)?;
            let key = queue.name.task(&task.id);
            queue.keys.set(key, &task.header.write(), payload)?;
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
        let created = self.past.as_ref().map_or(queue.context.wall, |past| past.created);
        let mut header = Header::new(fence, self.due, self.priority(), created);
        header.attempts = self.past.as_ref().map_or(0, |past| past.attempts);
        self.flag(&mut header);
        Task::of(id, header)
    }

    /// Adds these tasks to the expiring set, if they have EXPIRE.
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

    /// Adds the ids of new tasks to the scheduled set or the ready list.
    fn place(&self, queue: &mut Queue<'_>, ids: &[&[u8]]) -> Result<()> {
        if self.due <= queue.context.wall {
            return ready::push_all(queue, self.priority(), ids);
        }
        scheduled::add_all(queue, self.due, ids)
    }
}

fn count(queue: &mut Queue<'_>, tasks: u64) {
    queue.count(|totals| totals.scheduled += tasks);
}

/// Errors with `OutOfMemory` if nothing new may be stored. Declared as `Access::Grow`, a command would be refused before
/// it can see that there is nothing new.
pub(crate) fn ensure_memory(context: &Context) -> Result<()> {
    if context.memory_full {
        Err(Error::OutOfMemory)
    } else {
        Ok(())
    }
}

/// Errors with `TooBig` unless the payload, or what else it is, is within `steward.max-payload`.
pub(crate) fn ensure_size(what: &'static str, bytes: &[u8], context: &Context) -> Result<()> {
    let most = usize::try_from(context.config.max_payload).unwrap_or(usize::MAX);
    if bytes.len() > most {
        return Err(Error::TooBig(what, most));
    }
    Ok(())
}
