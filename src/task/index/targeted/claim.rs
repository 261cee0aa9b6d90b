//! Claiming the tasks targeted at a worker.

use std::collections::VecDeque;

use super::{BEFORE_READY, NOT_READY, PRIORITY, counts, forget, worker};
use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::Index;
use crate::task::handle::{Loaded, Queue, Task};
use crate::task::header::{Header, TARGETED, Unreadable};
use crate::task::index::later;

/// Most ids read at once.
const READ: usize = 128;

/// The ready tasks targeted at a worker, the most urgent and oldest first.
#[derive(Debug)]
pub(crate) struct OwnTasks<'w> {
    worker: &'w str,
    /// How many are asked for.
    most: usize,
    found: VecDeque<Scored>,
    more: bool,
}

impl OwnTasks<'_> {
    /// The tasks of this worker, if there may be `any`; `most` are asked for.
    pub(crate) fn new(worker: &str, any: bool, most: usize) -> OwnTasks<'_> {
        OwnTasks {
            worker,
            most,
            found: VecDeque::new(),
            more: any,
        }
    }

    /// Takes the next one, if its priority is this or more urgent. Ids that do not belong there are removed on the way;
    /// each costs one of the budget.
    pub(crate) fn pop(&mut self, queue: &mut Queue<'_>, priority: u8, budget: &mut usize) -> Result<Option<Loaded>> {
        while *budget > 0 {
            if self.found.is_empty() && self.more {
                // Those taken before are not there any more, so every read starts at the first.
                let count = self.most.clamp(1, READ);
                let own = queue.name.to(self.worker);
                let next = queue.keys.zwalk(own, Some(&BEFORE_READY), false, count)?;
                self.more = next.len() == count;
                self.found = next.into();
            }
            let later = |(score, _): &Scored| *score / PRIORITY > i64::from(priority);
            if self.found.front().is_none_or(later) {
                return Ok(None);
            }
            let Some((_, id)) = self.found.pop_front() else {
                return Ok(None);
            };
            match self.take(queue, &id)? {
                Some(loaded) => return Ok(Some(loaded)),
                None => *budget -= 1,
            }
        }
        Ok(None)
    }

    /// Takes the task of an id; if it is not ready, moves or removes the id and returns `None`.
    fn take(&self, queue: &mut Queue<'_>, id: &[u8]) -> Result<Option<Loaded>> {
        let value = queue.keys.get(queue.name.task(id)).unwrap_or(None);
        let header = value.as_deref().map(Header::read);
        let (own, index) = (queue.name.to(self.worker), queue.name.index(Index::Targeted));
        if header == Some(Err(Unreadable::Later)) {
            // The timer puts it back in its place once it can be read.
            queue.keys.zadd(own, &[(NOT_READY, id)])?;
            later::rescan_targeted(queue);
            return Ok(None);
        }
        let (Some(Ok(header)), Some(value)) = (header, value) else {
            queue.keys.zrem(index, &[id])?;
            queue.keys.zrem(own, &[id])?;
            return Ok(None);
        };
        let mut task = Task::new(id, header);
        let is_own = worker(queue, &task).is_some_and(|worker| worker == self.worker);
        let lives = !task.header.state.is_kept() && queue.has(&task.header);
        let counts = counts(queue, &task.header);
        let (own, index) = (queue.name.to(self.worker), queue.name.index(Index::Targeted));
        if !is_own || !lives {
            if !counts {
                queue.keys.zrem(index, &[id])?;
            }
            queue.keys.zrem(own, &[id])?;
            return Ok(None);
        }
        let is_ready = queue.keys.zrem(index, &[id])? > 0 && counts;
        if is_ready && queue.settings.is_released(self.worker, task.header.fence) {
            forget(queue, &task);
            task.header.flags &= !TARGETED;
        } else {
            queue.keys.zadd(own, &[(NOT_READY, id)])?;
        }
        Ok(is_ready.then_some(Loaded { task, value }))
    }
}
