//! Every key, built from a name, and the name told by a key. Nothing else builds a key.

use std::fmt::Write as _;

use super::Name;

/// Where the ids of tasks in one state stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Index {
    /// Sorted set: id, score = due, wall ms.
    Scheduled,
    /// List of one priority: ids that may be claimed, oldest first.
    Ready(u8),
    /// Sorted set: id, score = lease deadline, steady ms of the process that wrote it; 2^53 - 1 for a claim that
    /// lasts as long as its member.
    Claimed,
    /// Sorted set: id, score = died at, wall ms.
    Dead,
    /// Sorted set: id, score = kept until, wall ms.
    Done,
    /// Sorted set: ids of tasks that wait for others or for their turn, score = since when, wall ms.
    Blocked,
    /// Sorted set: ids of ready tasks that are for one worker, score = due, wall ms.
    Targeted,
}

impl Index {
    /// All of them, in the order of a task's life.
    pub(crate) const ALL: [Index; 16] = [
        Index::Scheduled,
        Index::Ready(0),
        Index::Ready(1),
        Index::Ready(2),
        Index::Ready(3),
        Index::Ready(4),
        Index::Ready(5),
        Index::Ready(6),
        Index::Ready(7),
        Index::Ready(8),
        Index::Ready(9),
        Index::Claimed,
        Index::Dead,
        Index::Done,
        Index::Blocked,
        Index::Targeted,
    ];

    fn push(self, key: &mut String) {
        match self {
            Index::Scheduled => key.push_str("scheduled"),
            Index::Ready(priority) => {
                key.push_str("ready:");
                key.push(char::from(b'0' + priority.min(9)));
            }
            Index::Claimed => key.push_str("claimed"),
            Index::Dead => key.push_str("dead"),
            Index::Done => key.push_str("done"),
            Index::Blocked => key.push_str("blocked"),
            Index::Targeted => key.push_str("targeted"),
        }
    }
}

/// One of the keys of a queue or of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part<'a> {
    /// Hash: settings, paused until, drops in progress, ghost counts.
    Queue,
    /// Hash: number in the headers, worker.
    Workers,
    /// The ids of one state.
    Index(Index),
    /// An index set aside by the DROP of this number, until it is swept.
    Dropped(u64, Index),
    /// String: one task, header and payload.
    Task(&'a [u8]),
    /// Hash: what a task has to say beyond its header.
    Extra(&'a [u8]),
    /// Sorted set: ids of tasks that are dropped when nobody claims them, score = when, wall ms.
    Expiring,
    /// Hash: unique key, the id of the task that holds it, perhaps with the moment until which it does.
    Unique,
    /// Sorted set: unique key that is held for a time, score = until when, wall ms.
    UniqueUntil,
    /// Hash: name of a recurring task, its definition.
    Repeats,
    /// Sorted set: name of a recurring task, score = when it is next due, wall ms.
    RepeatDue,
    /// Hash: name of a recurring task, the payload of its occurrences.
    RepeatPayloads,
    /// Sorted set: tasks of one group that have not ended: score 0 while it is their turn, else their place in line.
    Group(&'a [u8]),
    /// Sorted set: tasks that wait for the end of this one, score = the fence each was born with.
    After(&'a [u8]),
    /// Sorted set: tasks that are for this worker alone and not done: score -1, and while they are ready priority x
    /// 2^43 + due, wall ms.
    To(&'a [u8]),
    /// Stream: what went wrong with the tasks of a queue or was decided for the user.
    TaskEvents,
    /// Hash: the service: leader, epoch, standing signal.
    Service,
    /// Hash: member, its record.
    Members,
    /// Sorted set: candidate, score = its place in the line.
    Candidates,
    /// Stream: what happened to the members of a service.
    Events,
}

impl Part<'_> {
    /// What a queue has once, apart from its own hash, its workers and the ids of its tasks.
    pub(crate) const EXTRAS: [Part<'static>; 7] = [
        Part::Expiring,
        Part::Unique,
        Part::UniqueUntil,
        Part::Repeats,
        Part::RepeatDue,
        Part::RepeatPayloads,
        Part::TaskEvents,
    ];

    /// What a change of this part means for the module's memory.
    pub(crate) fn touched(&self) -> Touched {
        match self {
            Part::Task(_) | Part::Extra(_) => Touched::Task,
            Part::Events | Part::TaskEvents => Touched::Events,
            Part::Service | Part::Members | Part::Candidates => Touched::Service,
            _ => Touched::Queue,
        }
    }

    /// What the names of keys begin with.
    fn family(&self) -> &'static str {
        match self {
            Part::Service | Part::Members | Part::Candidates | Part::Events => "proc:",
            _ => "task:",
        }
    }
}

/// A key: a part of a queue or of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    /// The queue or the service.
    pub name: &'a Name,
    /// Which of its keys.
    pub part: Part<'a>,
}

impl Key<'_> {
    /// Appends the key's bytes, such as `task:{mail}:ready:5`, to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(24 + self.name.text.len());
        text.push_str(self.part.family());
        if self.name.text.starts_with('{') {
            text.push_str(&self.name.text);
        } else {
            text.push('{');
            text.push_str(&self.name.text);
            text.push('}');
        }
        let mut id: &[u8] = &[];
        match self.part {
            Part::Queue | Part::Service => {}
            Part::Members => text.push_str(":members"),
            Part::Candidates => text.push_str(":candidates"),
            Part::Events | Part::TaskEvents => text.push_str(":events"),
            Part::Workers => text.push_str(":workers"),
            Part::Expiring => text.push_str(":expiring"),
            Part::Unique => text.push_str(":unique"),
            Part::UniqueUntil => text.push_str(":unique-until"),
            Part::Repeats => text.push_str(":repeats"),
            Part::RepeatDue => text.push_str(":repeat-due"),
            Part::RepeatPayloads => text.push_str(":repeat-payloads"),
            Part::Index(index) => {
                text.push(':');
                index.push(&mut text);
            }
            Part::Dropped(number, index) => {
                // Writing to a String cannot fail.
                let _ = write!(text, ":drop:{number}:");
                index.push(&mut text);
            }
            Part::Task(task) => {
                text.push_str(":t:");
                id = task;
            }
            Part::Extra(task) => {
                text.push_str(":x:");
                id = task;
            }
            Part::Group(group) => {
                text.push_str(":group:");
                id = group;
            }
            Part::After(task) => {
                text.push_str(":after:");
                id = task;
            }
            Part::To(worker) => {
                text.push_str(":to:");
                id = worker;
            }
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(id);
    }

    /// The key's bytes.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out);
        out
    }
}

/// Which key a foreign change touched, as far as the module's memory cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// The record or the extra fields of one task.
    Task,
    /// Any other key of the queue.
    Queue,
    /// The events of a queue or a service: nothing is derived from them.
    Events,
    /// Any other key of the service.
    Service,
}

/// Whether a key may be ours, by its start alone.
pub(crate) fn is_ours(key: &[u8]) -> bool {
    key.starts_with(b"task:{") || key.starts_with(b"proc:{")
}

/// The queue or the service a key belongs to, or `None` for a key that is not ours.
pub(crate) fn owner(db: i32, key: &[u8]) -> Option<(Name, Touched)> {
    let (is_queue, rest) = match key.strip_prefix(b"task:{") {
        Some(rest) => (true, rest),
        None => (false, key.strip_prefix(b"proc:{")?),
    };
    let close = rest.iter().position(|&byte| byte == b'}')?;
    let (tag, after) = (rest.get(..close)?, rest.get(close + 1..)?);
    let end = after.iter().position(|&byte| byte == b':').unwrap_or(after.len());
    let (more, suffix) = (after.get(..end)?, after.get(end..)?);
    let touched = match (is_queue, suffix) {
        (true, [b':', b't' | b'x', b':', ..]) => Touched::Task,
        (_, b":events") => Touched::Events,
        (true, _) => Touched::Queue,
        (false, _) => Touched::Service,
    };
    let name = if more.is_empty() {
        Name::new(db, tag)
    } else {
        let mut bytes = Vec::with_capacity(close + end + 2);
        bytes.push(b'{');
        bytes.extend_from_slice(tag);
        bytes.push(b'}');
        bytes.extend_from_slice(more);
        Name::new(db, &bytes)
    };
    name.ok().map(|name| (name, touched))
}
