//! A walk over the tasks in one state, page by page: for TASK.LIST and for the commands that change all tasks of a
//! state. A task that stays in that state is never missed, whatever happens to others between two pages.

use crate::error::Result;
use crate::keyspace::Scored;
use crate::names::{Index, PRIORITIES};
use crate::pages::bad_cursor;
use crate::task::dispatch::MAX_PAYLOAD;
use crate::task::handle::{Queue, Task};
use crate::task::header::Header;
use crate::task::index::{ready, targeted};

/// Ids that one page scans, including those that do not count and those among which it searches its place.
const SCANNED: usize = 10_000;
/// What the cursor begins with among the targeted tasks.
const FOR_ONE: &[u8] = b"to:";

/// Where to walk, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    /// The word of the state.
    pub state: &'a str,
    /// What the last page replied.
    pub cursor: Option<&'a [u8]>,
    /// How many tasks are looked at.
    pub count: usize,
    /// Whether the walk begins at the other end.
    pub reverse: bool,
    /// How many bytes of each record are read.
    pub length: usize,
}

/// An id on the way.
pub(crate) struct Seen {
    /// Its score if it is in a sorted set, and the id.
    pub member: Scored,
    /// Its task; none if there is no record that this version can read.
    pub task: Option<Task>,
    /// The record, or its start.
    pub record: Vec<u8>,
}

/// Walks one page: `visit` says how much work an id was, in bytes, or that the page ends before it. Returns the cursor
/// of the next page, `0` at the end.
pub(crate) fn walk(
    queue: &mut Queue<'_>,
    route: Route<'_>,
    visit: &mut dyn FnMut(&mut Queue<'_>, Seen) -> Result<Option<usize>>,
) -> Result<Vec<u8>> {
    let cursor = route.cursor.filter(|cursor| !matches!(*cursor, b"" | b"0"));
    let mut page = Page {
        queue,
        route,
        visit,
        looked_at: 0,
        work: 0,
    };
    let all = |_: &Queue<'_>, _: &Header| true;
    let next = match route.state {
        "ready" => page.ready(cursor)?,
        "claimed" => page.sorted(cursor, Index::Claimed, all)?,
        "blocked" => page.sorted(cursor, Index::Blocked, all)?,
        "done" => page.sorted(cursor, Index::Done, all)?,
        "dead" => page.sorted(cursor, Index::Dead, all)?,
        _ => page.sorted(cursor, Index::Scheduled, all)?,
    };
    Ok(next.unwrap_or_else(|| b"0".to_vec()))
}

struct Page<'q, 't, 'r, 'v> {
    queue: &'q mut Queue<'t>,
    route: Route<'r>,
    visit: &'v mut dyn FnMut(&mut Queue<'_>, Seen) -> Result<Option<usize>>,
    looked_at: usize,
    work: usize,
}

impl Page<'_, '_, '_, '_> {
    fn is_full(&self) -> bool {
        self.looked_at >= self.route.count || self.work >= MAX_PAYLOAD
    }

    fn step(&self) -> usize {
        self.route.count.clamp(16, 256)
    }

    /// Visits an id unless its task does not count. Returns `false` if the page ends before it.
    fn look_at(&mut self, member: Scored, counts: impl Fn(&Queue<'_>, &Header) -> bool) -> Result<bool> {
        let queue = &mut *self.queue;
        let record = queue.keys.get_start(queue.name.task(&member.1), self.route.length);
        let record = record.unwrap_or(None).unwrap_or_default();
        let header = Header::read(&record).ok();
        if header
            .as_ref()
            .is_some_and(|header| !queue.has(header) || !counts(queue, header))
        {
            return Ok(true);
        }
        let task = header.map(|header| Task::new(&member.1, header));
        let record = record.into_vec();
        self.looked_at += usize::from(task.is_some());
        let work = (self.visit)(queue, Seen { member, task, record })?;
        self.work += work.unwrap_or(0);
        Ok(work.is_some())
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
        let step = self.step();
        loop {
            let key = self.queue.name.index(index);
            let members = self.queue.keys.zwalk(key, after.as_ref(), self.route.reverse, step)?;
            let last = members.len() < step;
            for member in members {
                let full = !self.look_at(member.clone(), &counts)?;
                if !full {
                    after = Some(member);
                    scanned += 1;
                }
                if full || self.is_full() || scanned >= SCANNED {
                    return Ok(after.map(|(score, id)| cursor_of(score, &id)));
                }
            }
            if last {
                return Ok(None);
            }
        }
    }

    /// The ready tasks: those in the lists, then targeted ones by due time; in reverse the other way round. The cursor
    /// says in which of the two the last one scanned is.
    fn ready(&mut self, cursor: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let mut after = cursor;
        for targeted in [self.route.reverse, !self.route.reverse] {
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
        if self.route.reverse {
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
                let step = self.step();
                let ids = self.range(priority, position, step)?;
                for id in &ids {
                    self.look_at((0, id.clone()), |queue, header| ready::counts(queue, header, priority))?;
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
        if !self.route.reverse {
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
    fn find(&self, page: &mut Page<'_, '_, '_, '_>) -> Result<usize> {
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
