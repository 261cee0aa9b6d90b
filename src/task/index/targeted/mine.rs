//! What is ready for one worker alone, as a claim of that worker takes it.

use std::collections::VecDeque;

use super::{BEFORE_READY, ELSEWHERE, PRIORITY, counts, forget, worker};
use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Id, Index, Name};
use crate::settings::QueueSettings;
use crate::task;
use crate::task::dispatch::Live;
use crate::task::header::{ADDRESSED, Record, TaskState};
use crate::tx::Tx;

/// Most ids that are read at once.
const READ: usize = 128;

/// The ready tasks of a worker, the most urgent and oldest first.
#[derive(Debug)]
pub(crate) struct Mine<'w> {
    worker: &'w str,
    found: VecDeque<Scored>,
    more: bool,
}

impl Mine<'_> {
    /// What is ready for this worker, if there may be `any`.
    pub(crate) fn new(worker: &str, any: bool) -> Mine<'_> {
        Mine {
            worker,
            found: VecDeque::new(),
            more: any,
        }
    }

    /// Takes the next one, if its priority is this or more urgent. What does not belong there is removed on the way
    /// and used up of the budget. `most` tasks are wanted in all.
    pub(crate) fn take(
        &mut self,
        tx: &mut Tx<'_>,
        name: &Name,
        priority: u8,
        settings: &QueueSettings,
        most: usize,
        budget: &mut usize,
    ) -> Result<Option<Live>> {
        while *budget > 0 {
            if self.found.is_empty() && self.more {
                // What was taken stands there no more.
                let count = most.clamp(1, READ);
                let next = tx.keys.zwalk(name.to(self.worker), Some(&BEFORE_READY), false, count)?;
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
            match self.one(tx, name, &id, settings)? {
                Some(live) => return Ok(Some(live)),
                None => *budget -= 1,
            }
        }
        Ok(None)
    }

    /// The task of an id, taken; or the id goes to where it belongs.
    fn one(&self, tx: &mut Tx<'_>, name: &Name, id: &[u8], settings: &QueueSettings) -> Result<Option<Live>> {
        let (own, index) = (name.to(self.worker), name.index(Index::Targeted));
        let value = tx.keys.get(name.task(id)).unwrap_or(None);
        let record = value.as_deref().and_then(Record::read);
        let (Some(mut record), Some(value)) = (record, value) else {
            tx.keys.zrem(index, &[id])?;
            tx.keys.zrem(own, &[id])?;
            return Ok(None);
        };
        let is_own = worker(tx, name, id, &record).is_some_and(|worker| worker == self.worker);
        let lives = !matches!(record.state, TaskState::Done | TaskState::Removed) && task::exists(&record, settings);
        if !is_own || !lives {
            if !counts(&record, settings) {
                tx.keys.zrem(index, &[id])?;
            }
            tx.keys.zrem(own, &[id])?;
            return Ok(None);
        }
        let is_ready = tx.keys.zrem(index, &[id])? > 0 && counts(&record, settings);
        if settings.is_orphan(self.worker, record.fence) && is_ready {
            forget(tx, name, id, &record);
            record.flags &= !ADDRESSED;
        } else {
            tx.keys.zadd(own, &[(ELSEWHERE, id)])?;
        }
        let id = Id::from_slice(id);
        Ok(is_ready.then_some(Live { id, record, value }))
    }
}
