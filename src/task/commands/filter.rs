//! Which tasks of a state a command is about: TASK.LIST, and CANCELALL, RETRYALL and PURGE, which change those it shows.

use crate::command::{Arg, MAX_COUNT, Typed, arguments};
use crate::error::{Error, Result};
use crate::glob::Pattern;
use crate::pages::{self, CURSOR, MATCH};
use crate::reply::Reply;
use crate::task::handle::{Queue, Task};
use crate::task::header::{HEADER_LEN, Header};
use crate::task::index::dependencies;
use crate::task::kind;
use crate::task::options::{self, KIND};
use crate::task::walk::{self, Route, Seen};
use crate::time::Ms;

/// The worker that has claimed the tasks.
pub(crate) const CLAIMED_BY: Typed<Option<&str>> =
    Arg::option("WORKER", Arg::text("worker")).means("only tasks that this worker has claimed");

arguments! {
    /// Only those for which all of this is true.
    pub(crate) struct FilterArgs<'a> {
        kind: Option<&'a str> = KIND.means("only tasks of this kind"),
        pattern: Option<&'a [u8]> = MATCH.means("only tasks whose id, payload or error matches this pattern"),
        attempted: bool = Arg::flag("ATTEMPTED").means("only tasks that have used up an attempt"),
    }
}

arguments! {
    /// A step over many tasks.
    pub(crate) struct StepArgs<'a> {
        filter: FilterArgs<'a> = Arg::shared(),
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = Arg::COUNT.means("how many are looked at; by default 1,000"),
    }
}

/// The filter of a call.
pub(crate) struct Filter<'a> {
    state: &'a str,
    args: &'a FilterArgs<'a>,
    pattern: Option<Pattern>,
    /// The number of the worker; `None` in it: no task is claimed by that one.
    worker: Option<Option<u32>>,
    /// For how long they are in the state, ms.
    pub older: Option<Ms>,
}

impl<'a> Filter<'a> {
    /// Errors with `BadArg` for a worker of tasks that are not claimed, and for a pattern that is too long.
    pub(crate) fn new(
        queue: &mut Queue<'_>,
        state: &'a str,
        args: &'a FilterArgs<'a>,
        worker: Option<&str>,
    ) -> Result<Filter<'a>> {
        pages::ensure_short(args.pattern)?;
        if worker.is_some() && state != "claimed" {
            return Err(Error::BadArg("WORKER is for the state claimed only".into()));
        }
        let worker = match worker {
            Some(worker) => Some(queue.known_workers()?.number(worker)),
            None => None,
        };
        Ok(Filter {
            state,
            args,
            pattern: args.pattern.map(Pattern::new),
            worker,
            older: None,
        })
    }

    /// Whether it takes every task.
    pub(crate) fn takes_all(&self) -> bool {
        let args = self.args;
        args.kind.is_none()
            && self.pattern.is_none()
            && !args.attempted
            && self.worker.is_none()
            && self.older.is_none()
    }

    /// How many bytes of a record it reads.
    pub(crate) fn reads(&self) -> usize {
        self.pattern.as_ref().map_or(HEADER_LEN, |_| usize::MAX)
    }

    /// Whether the task is one of those, and how much work that was, in bytes. An id without a readable task is only if
    /// all are.
    pub(crate) fn look_at(&self, queue: &mut Queue<'_>, seen: &Seen) -> (bool, usize) {
        let mut bytes = seen.record.len().saturating_sub(HEADER_LEN);
        let takes = self.takes(queue, seen, &mut bytes);
        (takes, bytes * self.pattern.as_ref().map_or(1, Pattern::words))
    }

    fn takes(&self, queue: &mut Queue<'_>, seen: &Seen, bytes: &mut usize) -> bool {
        let Some(task) = &seen.task else {
            return self.takes_all();
        };
        let header = &task.header;
        (!self.args.attempted || header.attempts > 0)
            && self.worker.is_none_or(|worker| worker == Some(header.worker))
            && self.older.is_none_or(|older| self.age(queue, seen, header) >= older)
            && self
                .args
                .kind
                .is_none_or(|kind| kind::of(queue, task).as_deref() == Some(kind))
            && self
                .pattern
                .as_ref()
                .is_none_or(|pattern| matches(queue, pattern, (task, &seen.record), bytes))
    }

    /// How long the task is in its state, ms.
    fn age(&self, queue: &Queue<'_>, seen: &Seen, header: &Header) -> Ms {
        queue.context.wall.0.saturating_sub(match self.state {
            "blocked" => seen.member.0,
            // Until it is claimed, a task's fence is the time of its birth in µs.
            "scheduled" => Ms::try_from(header.fence / 1_000).unwrap_or(Ms::MAX),
            _ => header.due.0,
        })
    }
}

/// Whether the id, the payload or the error matches; adds the length of an error that was read.
fn matches(queue: &mut Queue<'_>, pattern: &Pattern, (task, record): (&Task, &[u8]), bytes: &mut usize) -> bool {
    if pattern.matches(&task.id) || pattern.matches(record.get(HEADER_LEN..).unwrap_or_default()) {
        return true;
    }
    queue.field(task, options::ERROR).is_some_and(|error| {
        *bytes += error.len();
        pattern.matches(&error)
    })
}

/// Those of one step over the tasks in a state that are to be changed, and the cursor of the next step.
pub(crate) fn select(queue: &mut Queue<'_>, step: &StepArgs<'_>, filter: &Filter<'_>) -> Result<(Vec<u8>, Vec<Seen>)> {
    let route = Route {
        state: filter.state,
        cursor: step.cursor,
        count: step.count.unwrap_or(MAX_COUNT),
        reverse: false,
        length: filter.reads(),
    };
    let (mut selected, mut edges) = (Vec::new(), 0);
    let next = walk::walk(queue, route, &mut |queue, seen| {
        let (takes, work) = filter.look_at(queue, &seen);
        if !takes {
            return Ok(Some(work));
        }
        // Each dependency of a blocked task is removed with it.
        edges += seen.task.as_ref().map_or(0, |task| dependencies::edges_of(queue, task));
        if edges > dependencies::EDGES && !selected.is_empty() {
            return Ok(None);
        }
        selected.push(seen);
        Ok(Some(work))
    })?;
    Ok((next, selected))
}

/// The reply of a step.
pub(crate) fn reply(next: Vec<u8>, changed: usize) -> Reply {
    Reply::Array(vec![Reply::Bytes(next), Reply::count(changed)])
}
