//! TASK.LIST: the tasks in one state, page by page.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES};
use crate::pages::{CURSOR, bad_cursor};
use crate::reply::Reply;
use crate::task::dispatch::MAX_PAYLOAD;
use crate::task::handle::{Queue, Task};
use crate::task::header::{HEADER_LEN, Header};
use crate::task::index::{ready, targeted};
use crate::task::render;

/// Tasks on a page when COUNT is not given.
const DEFAULT_COUNT: usize = 10;
/// Ids that one page scans, including those that do not count and those among which it searches its place.
const SCANNED: usize = 10_000;

/// What the cursor begins with among the targeted tasks.
const FOR_ONE: &[u8] = b"to:";

arguments! {
    pub(crate) struct ListArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        state: &'a str = Arg::words("state", &["scheduled", "ready", "blocked", "claimed", "done", "dead"]),
        worker: Option<&'a str> = Arg::option("WORKER", Arg::text("worker")),
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = Arg::COUNT,
        reverse: bool = Arg::flag("REV"),
        payloads: bool = Arg::flag("PAYLOADS"),
    }
}

/// TASK.LIST.
pub(crate) struct List;

impl Command for List {
    type Args<'a> = ListArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.LIST",
        summary: "Lists the tasks in one state. A task that stays in that state is never missed, whatever happens to others meanwhile.",
        complexity: "O(log M+N) for N tasks listed of M in that state",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ListArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps as TASK.GET's, `payload` and `result` null without PAYLOADS",
    };

    fn run(args: &ListArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let state = args.state;
        if args.worker.is_some() && state != "claimed" {
            return Err(Error::BadArg("WORKER is for the state claimed only".into()));
        }
        let count = args.count.unwrap_or(DEFAULT_COUNT);
        let cursor = args.cursor.filter(|cursor| !matches!(*cursor, b"" | b"0"));
        let mut page = Page {
            queue,
            count,
            reverse: args.reverse,
            payloads: args.payloads,
            bytes: 0,
            tasks: Vec::new(),
        };
        let all = |_: &Queue<'_>, _: &Header| true;
        let next = match state {
            "ready" => page.ready(cursor)?,
            "claimed" => match args.worker {
                Some(worker) => page.claimed_by(cursor, worker)?,
                None => page.sorted(cursor, Index::Claimed, all)?,
            },
            "blocked" => page.sorted(cursor, Index::Blocked, all)?,
            "done" => page.sorted(cursor, Index::Done, all)?,
            "dead" => page.sorted(cursor, Index::Dead, all)?,
            _ => page.sorted(cursor, Index::Scheduled, all)?,
        };
        let next = next.unwrap_or_else(|| b"0".to_vec());
        Ok(Reply::Array(vec![Reply::Bytes(next), Reply::Array(page.tasks)]).into())
    }
}

struct Page<'q, 't> {
    queue: &'q mut Queue<'t>,
    count: usize,
    reverse: bool,
    payloads: bool,
    bytes: usize,
    tasks: Vec<Reply>,
}

impl Page<'_, '_> {
    fn is_full(&self) -> bool {
        self.tasks.len() >= self.count || self.bytes >= MAX_PAYLOAD
    }

    /// Shows the task of an id, if it is one that `counts`.
    fn add(&mut self, id: &[u8], counts: impl Fn(&Queue<'_>, &Header) -> bool) -> Result<()> {
        let length = if self.payloads { usize::MAX } else { HEADER_LEN };
        let queue = &mut *self.queue;
        let Ok(Some(value)) = queue.keys.get_start(queue.name.task(id), length) else {
            return Ok(());
        };
        let Some(header) = Header::read(&value)
            .ok()
            .filter(|header| queue.has(header) && counts(queue, header))
        else {
            return Ok(());
        };
        let payload = self
            .payloads
            .then(|| value.get(HEADER_LEN..).unwrap_or_default().to_vec());
        let task = render::render(queue, &Task::new(id, header), payload)?;
        if let Reply::Map(fields) = &task {
            self.bytes += fields.iter().map(|(_, value)| size(value)).sum::<usize>();
        }
        self.tasks.push(task);
        Ok(())
    }

    /// The members of a sorted set beyond the cursor, which is the last one scanned: `score:id`.
    fn sorted(
        &mut self,
        cursor: Option<&[u8]>,
        index: Index,
        counts: impl Fn(&Queue<'_>, &Header) -> bool,
    ) -> Result<Option<Vec<u8>>> {
        let mut after = cursor
            .map(|cursor| numbered(cursor).ok_or_else(bad_cursor))
            .transpose()?;
        let mut scanned = 0;
        let step = self.count.clamp(16, 256);
        loop {
            let key = self.queue.name.index(index);
            let members = self.queue.keys.zwalk(key, after.as_ref(), self.reverse, step)?;
            for (score, id) in &members {
                self.add(id, &counts)?;
                scanned += 1;
                if self.is_full() || scanned >= SCANNED {
                    return Ok(Some(cursor_of(*score, id)));
                }
            }
            if members.len() < step {
                return Ok(None);
            }
            after = members.last().cloned();
        }
    }

    /// The tasks that this worker has claimed.
    fn claimed_by(&mut self, cursor: Option<&[u8]>, worker: &str) -> Result<Option<Vec<u8>>> {
        match self.queue.known_workers()?.number(worker) {
            Some(number) => self.sorted(cursor, Index::Claimed, |_, header| header.worker == number),
            None => Ok(None),
        }
    }

    /// The ready tasks: those in the lists, then targeted ones by due time; in reverse the other way round. The cursor
    /// says in which of the two the last one scanned is.
    fn ready(&mut self, cursor: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let mut after = cursor;
        for targeted in [self.reverse, !self.reverse] {
            let rest = after.and_then(|after| after.strip_prefix(FOR_ONE));
            if after.is_some() && targeted != rest.is_some() {
                continue;
            }
            let next = if targeted {
                let next = self.sorted(rest, Index::Targeted, targeted::counts)?;
                next.map(|next| [FOR_ONE, &next].concat())
            } else {
                self.lists(after)?
            };
            if next.is_some() {
                return Ok(next);
            }
            after = None;
        }
        Ok(None)
    }

    /// The ids that count in the ready lists, the most urgent list first. The cursor is the place of the last one
    /// scanned, `priority:position:id`; it is searched again, as others may have come or gone meanwhile.
    fn lists(&mut self, cursor: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let start = match cursor {
            None => None,
            Some(cursor) => Some(Place::read(cursor).ok_or_else(bad_cursor)?),
        };
        let mut order: Vec<u8> = (0..PRIORITIES).collect();
        if self.reverse {
            order.reverse();
        }
        let mut scanned = 0;
        let from = start.as_ref().map(|place| place.priority);
        for priority in order
            .into_iter()
            .skip_while(|priority| from.is_some_and(|from| from != *priority))
        {
            let mut position = match &start {
                Some(place) if place.priority == priority => place.find(self)?,
                _ => 0,
            };
            loop {
                let step = self.count.clamp(16, 256);
                let ids = self.range(priority, position, step)?;
                for id in &ids {
                    self.add(id, |queue, header| ready::counts(queue, header, priority))?;
                    scanned += 1;
                    if self.is_full() || scanned >= SCANNED {
                        let place = Place {
                            priority,
                            position,
                            id: id.clone(),
                        };
                        return Ok(Some(place.write()));
                    }
                    position += 1;
                }
                if ids.len() < step {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// Ids of a ready list from a position on, counted from the tail in reverse.
    fn range(&mut self, priority: u8, position: usize, count: usize) -> Result<Vec<Vec<u8>>> {
        let list = self.queue.name.ready(priority);
        let keys = &mut *self.queue.keys;
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        if !self.reverse {
            return keys.lrange(list, position, count);
        }
        let length = i64::try_from(keys.llen(list)?).unwrap_or(i64::MAX);
        // A cursor may name any position, also one far before the head.
        let end = length.saturating_sub(position).max(0);
        let from = end.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX)).max(0);
        let mut ids = keys.lrange(list, from, usize::try_from(end - from).unwrap_or(0))?;
        ids.reverse();
        Ok(ids)
    }
}

/// The place of an id in the ready lists.
struct Place {
    priority: u8,
    position: usize,
    id: Vec<u8>,
}

impl Place {
    fn write(&self) -> Vec<u8> {
        let mut cursor = format!("{}:{}:", self.priority, self.position).into_bytes();
        cursor.extend_from_slice(&self.id);
        cursor
    }

    fn read(cursor: &[u8]) -> Option<Place> {
        let (priority, rest) = numbered(cursor)?;
        let (position, id) = numbered(&rest)?;
        Some(Place {
            priority: u8::try_from(priority).ok().filter(|priority| *priority < PRIORITIES)?,
            position: usize::try_from(position).ok()?,
            id,
        })
    }

    /// The position after this id in the list as it is now. Ids taken from the head or added at the tail have shifted
    /// it; if it is not near its old position it was taken, and so was everything before it.
    fn find(&self, page: &mut Page<'_, '_>) -> Result<usize> {
        let from = self.position.saturating_sub(SCANNED);
        let ids = page.range(self.priority, from, SCANNED + 256)?;
        let near = self.position - from;
        let found = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| **id == self.id)
            .min_by_key(|(position, _)| position.abs_diff(near));
        Ok(found.map_or(0, |(position, _)| from + position + 1))
    }
}

/// What each value of an array adds besides its length: many short ones are work, too.
const ITEM: usize = 16;

/// What a value adds to a page, bytes: a task may have to come after a thousand others.
fn size(value: &Reply) -> usize {
    match value {
        Reply::Bytes(bytes) => bytes.len(),
        Reply::Array(items) => items.iter().map(|item| ITEM + size(item)).sum(),
        _ => 0,
    }
}

/// The cursor that goes on after a member of a sorted set.
pub(crate) fn cursor_of(number: i64, id: &[u8]) -> Vec<u8> {
    let mut cursor = format!("{number}:").into_bytes();
    cursor.extend_from_slice(id);
    cursor
}

/// Splits `number:rest`.
pub(crate) fn numbered(text: &[u8]) -> Option<Scored> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let number = std::str::from_utf8(text.get(..colon)?).ok()?.parse().ok()?;
    Some((number, text.get(colon + 1..)?.to_vec()))
}
