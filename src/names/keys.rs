//! Every key: the table of all kinds, building a key from a name, and parsing the name from a key. No other file builds
//! keys.
//!
//! A new kind of key is a variant of [`Part`], which says what it contains, and its row in [`KEYS`].

use std::io::Write as _;

use super::{Name, PRIORITIES};

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    List,
    SortedSet,
    Hash,
    Stream,
}

/// One kind of key that a queue or a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Settings, paused until, drops in progress, ghost counts.
    Queue,
    /// Number in the headers, worker.
    Workers,
    /// Id, score = due, wall ms.
    Scheduled,
    /// Id, score = lease deadline, steady ms of the process that wrote it; 2^53 - 1 for a claim that lasts as long as
    /// its member.
    Claimed,
    /// Id, score = died at, wall ms.
    Dead,
    /// Id, score = kept until, wall ms.
    Done,
    /// Ids of tasks that wait for others or for their turn, score = since when, wall ms.
    Blocked,
    /// Ids of ready targeted tasks, score = due, wall ms.
    Targeted,
    /// Ids of tasks that expire unless they are claimed, score = when, wall ms.
    Expiring,
    /// Unique key, the id of the task that owns it, perhaps with the moment until which it does.
    Unique,
    /// Unique key that is taken FOR a time, score = until when, wall ms.
    UniqueUntil,
    /// Name of a recurring task, its definition.
    Repeats,
    /// Name of a recurring task, score = when it is next due, wall ms.
    RepeatDue,
    /// Name of a recurring task, the payload of its occurrences.
    RepeatPayloads,
    /// The events of a queue.
    TaskEvents,
    /// Hour or day, what happened in it: see `history`.
    History,
    /// Hour or day, what happened in it to the tasks of each kind.
    KindHistory,
    /// The service: leader, epoch, standing signal.
    Service,
    /// Member, its record.
    Members,
    /// Candidate, score = its place in the line of candidates.
    Candidates,
    /// The events of a service.
    Events,
    /// Of each priority: ids that may be claimed, oldest first.
    Ready,
    /// One task: header and payload.
    Task,
    /// The options of a task, beyond its header.
    Options,
    /// Unfinished tasks of one group: score 0 while it is their turn, otherwise their place in line.
    Group,
    /// Tasks that wait for the end of this one, score = the fence each was created with.
    After,
    /// Unfinished tasks targeted at this worker: score -1, and while they are ready priority x 2^43 + due, wall ms.
    To,
}

/// A kind of key.
#[derive(Debug)]
pub(crate) struct KeyKind {
    pub part: Part,
    /// Its prefix, before the name of the queue or service.
    family: &'static str,
    /// Its suffix; the key of one task, group or worker continues with that.
    suffix: &'static str,
    /// Its code in effects; must never change.
    code: u8,
    /// The type of its value.
    pub of: Type,
    /// What the module must reread after a foreign change.
    touched: Touched,
    /// Whether a queue has one per priority, task, group or worker.
    pub is_many: bool,
}

/// All kinds, in the order of [`Part`]; those that a queue has many of come last, beginning with `Ready`.
pub(crate) const KEYS: [KeyKind; 27] = [
    queue(Part::Queue, "", b'q', Type::Hash),
    queue(Part::Workers, ":workers", b'w', Type::Hash),
    queue(Part::Scheduled, ":scheduled", b's', Type::SortedSet),
    queue(Part::Claimed, ":claimed", b'c', Type::SortedSet),
    queue(Part::Dead, ":dead", b'd', Type::SortedSet),
    queue(Part::Done, ":done", b'f', Type::SortedSet),
    queue(Part::Blocked, ":blocked", b'b', Type::SortedSet),
    queue(Part::Targeted, ":targeted", b'i', Type::SortedSet),
    queue(Part::Expiring, ":expiring", b'e', Type::SortedSet),
    queue(Part::Unique, ":unique", b'u', Type::Hash),
    queue(Part::UniqueUntil, ":unique-until", b'n', Type::SortedSet),
    queue(Part::Repeats, ":repeats", b'r', Type::Hash),
    queue(Part::RepeatDue, ":repeat-due", b'y', Type::SortedSet),
    queue(Part::RepeatPayloads, ":repeat-payloads", b'z', Type::Hash),
    queue(Part::TaskEvents, ":events", b'V', Type::Stream).touching(Touched::Events),
    queue(Part::History, ":history", b'h', Type::Hash).touching(Touched::History),
    queue(Part::KindHistory, ":kind-history", b'j', Type::Hash).touching(Touched::History),
    service(Part::Service, "", b'p', Type::Hash),
    service(Part::Members, ":members", b'm', Type::Hash),
    service(Part::Candidates, ":candidates", b'k', Type::SortedSet),
    service(Part::Events, ":events", b'v', Type::Stream).touching(Touched::Events),
    // Up to b'9', one for each priority.
    many(Part::Ready, ":ready:", b'0', Type::List),
    many(Part::Task, ":t:", b't', Type::String).touching(Touched::Task),
    many(Part::Options, ":x:", b'x', Type::Hash).touching(Touched::Task),
    many(Part::Group, ":group:", b'g', Type::SortedSet),
    many(Part::After, ":after:", b'a', Type::SortedSet),
    many(Part::To, ":to:", b'o', Type::SortedSet),
];

/// Precedes in effects the number of a DROP and the code of the index that it set aside.
pub(crate) const DROPPED: u8 = b'D';

const TASK: &str = "task:";
const DROP: &str = ":drop:";
const PROC: &str = "proc:";

const fn queue(part: Part, suffix: &'static str, code: u8, of: Type) -> KeyKind {
    KeyKind {
        part,
        family: TASK,
        suffix,
        code,
        of,
        touched: Touched::Queue,
        is_many: false,
    }
}

const fn service(part: Part, suffix: &'static str, code: u8, of: Type) -> KeyKind {
    KeyKind {
        family: PROC,
        touched: Touched::Service,
        ..queue(part, suffix, code, of)
    }
}

const fn many(part: Part, suffix: &'static str, code: u8, of: Type) -> KeyKind {
    KeyKind {
        is_many: true,
        ..queue(part, suffix, code, of)
    }
}

impl KeyKind {
    const fn touching(self, touched: Touched) -> KeyKind {
        KeyKind { touched, ..self }
    }
}

/// The part of each code; does not compile when two parts share a code or a row is out of place.
#[allow(clippy::indexing_slicing, reason = "done by the compiler")]
const BY_CODE: [Option<Part>; 128] = {
    let mut parts = [None; 128];
    let mut at = 0;
    while at < KEYS.len() {
        let kind = &KEYS[at];
        assert!(kind.part as usize == at, "a row is not in the order of the parts");
        assert!(
            kind.is_many == (at >= Part::Ready as usize),
            "a row is on the wrong side of Ready"
        );
        assert!(parts[kind.code as usize].is_none(), "two parts have the same code");
        parts[kind.code as usize] = Some(kind.part);
        at += 1;
    }
    parts
};

impl Part {
    /// Its row.
    pub(crate) fn kind(self) -> &'static KeyKind {
        const ROWS: &[KeyKind; KEYS.len()] = &KEYS;
        #[allow(
            clippy::indexing_slicing,
            reason = "there is a row for each part, as `BY_CODE` makes sure"
        )]
        &ROWS[self as usize]
    }

    /// The part of this code.
    pub(crate) fn of_code(code: u8) -> Option<Part> {
        BY_CODE.get(usize::from(code)).copied().flatten()
    }

    /// The keys that a queue has once, apart from the indexes of task ids.
    pub(crate) fn once_per_queue() -> impl Iterator<Item = Part> {
        let is_index = |part| Index::ALL.iter().any(|index| index.place() == Place::Once(part));
        let once = KEYS.iter().filter(|kind| kind.family == TASK && !kind.is_many);
        once.map(|kind| kind.part).filter(move |part| !is_index(*part))
    }
}

/// The indexes of task ids by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Index {
    Scheduled,
    /// The list of one priority.
    Ready(u8),
    Claimed,
    Dead,
    Done,
    Blocked,
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

    /// Its key.
    pub(crate) const fn place(self) -> Place<'static> {
        Place::Once(match self {
            Index::Ready(priority) => return Place::Ready(priority),
            Index::Scheduled => Part::Scheduled,
            Index::Claimed => Part::Claimed,
            Index::Dead => Part::Dead,
            Index::Done => Part::Done,
            Index::Blocked => Part::Blocked,
            Index::Targeted => Part::Targeted,
        })
    }
}

/// One of the keys of a queue or of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place<'a> {
    /// The only one of its kind.
    Once(Part),
    /// The ready list of one priority.
    Ready(u8),
    /// The one of this task, group or worker.
    Of(Part, &'a [u8]),
    /// An index set aside by the DROP of this number, until it is swept.
    Dropped(u64, Index),
}

impl Place<'_> {
    /// The row of its kind.
    pub(crate) fn kind(&self) -> &'static KeyKind {
        match self {
            Place::Once(part) | Place::Of(part, _) => part.kind(),
            Place::Ready(_) => Part::Ready.kind(),
            Place::Dropped(_, index) => index.place().kind(),
        }
    }

    /// Its code in effects.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Place::Once(part) | Place::Of(part, _) => part.kind().code,
            Place::Ready(priority) => Part::Ready.kind().code + last(*priority),
            Place::Dropped(..) => DROPPED,
        }
    }

    /// What the module must reread after a foreign change of this key.
    pub(crate) fn touched(&self) -> Touched {
        self.kind().touched
    }
}

/// A priority, at most the last.
fn last(priority: u8) -> u8 {
    priority.min(PRIORITIES - 1)
}

/// A key of a queue or service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    /// The queue or the service.
    pub name: &'a Name,
    /// Which of its keys.
    pub place: Place<'a>,
}

impl Key<'_> {
    /// The key's bytes, such as `task:{mail}:ready:5`.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let kind = self.place.kind();
        let (start, end) = if self.name.text.starts_with('{') {
            ("", "")
        } else {
            ("{", "}")
        };
        let mut out = Vec::with_capacity(64);
        for piece in [kind.family, start, &self.name.text, end] {
            out.extend_from_slice(piece.as_bytes());
        }
        if let Place::Dropped(number, _) = self.place {
            // Writing to a vector cannot fail.
            let _ = write!(out, "{DROP}{number}");
        }
        out.extend_from_slice(kind.suffix.as_bytes());
        match self.place {
            Place::Of(_, id) => out.extend_from_slice(id),
            Place::Ready(priority) | Place::Dropped(_, Index::Ready(priority)) => out.push(b'0' + last(priority)),
            Place::Once(_) | Place::Dropped(..) => {}
        }
        out
    }
}

/// What a foreign change touched, as far as the module's memory depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// The record or the options of one task.
    Task,
    /// Any other key of the queue.
    Queue,
    /// The events of a queue or service: nothing is derived from them.
    Events,
    /// The history of a queue.
    History,
    /// Any other key of the service.
    Service,
}

/// A parsed key: `task:{tag}rest:suffix`.
struct Parsed<'k> {
    family: &'static str,
    tag: &'k [u8],
    rest: &'k [u8],
    suffix: &'k [u8],
}

/// Whether a key may be ours, by its prefix alone.
pub(crate) fn is_ours(key: &[u8]) -> bool {
    key.starts_with(b"task:{") || key.starts_with(b"proc:{")
}

/// The queue or service a key belongs to; `None` for a key that is not ours.
pub(crate) fn owner(db: i32, key: &[u8]) -> Option<(Name, Touched)> {
    let parsed = parse(key)?;
    let touched = parsed.touched()?;
    let name = if parsed.rest.is_empty() {
        Name::new(db, parsed.tag)
    } else {
        Name::new(db, &[b"{", parsed.tag, b"}", parsed.rest].concat())
    };
    name.ok().map(|name| (name, touched))
}

/// What the module must reread after a foreign change of this key; does not build its name.
pub(crate) fn touched(key: &[u8]) -> Option<Touched> {
    parse(key)?.touched()
}

fn parse(key: &[u8]) -> Option<Parsed<'_>> {
    let (family, key) = match key.strip_prefix(TASK.as_bytes()) {
        Some(key) => (TASK, key),
        None => (PROC, key.strip_prefix(PROC.as_bytes())?),
    };
    let key = key.strip_prefix(b"{")?;
    let (tag, key) = key.split_at_checked(key.iter().position(|&byte| byte == b'}')?)?;
    let key = key.strip_prefix(b"}")?;
    let (rest, suffix) = key.split_at(key.iter().position(|&byte| byte == b':').unwrap_or(key.len()));
    Some(Parsed {
        family,
        tag,
        rest,
        suffix,
    })
}

impl Parsed<'_> {
    /// `None` for a key of somebody else that only looks like ours.
    fn touched(&self) -> Option<Touched> {
        let is = |kind: &&KeyKind| {
            let suffix = kind.suffix.as_bytes();
            kind.family == self.family
                && if kind.is_many {
                    self.suffix.starts_with(suffix)
                } else {
                    self.suffix == suffix
                }
        };
        let is_dropped = || self.family == TASK && self.suffix.starts_with(DROP.as_bytes());
        let kind = KEYS.iter().find(is).map(|kind| kind.touched);
        kind.or_else(|| is_dropped().then_some(Touched::Queue))
    }
}
