//! Queue names and task ids: what is allowed, and every key built from them. Nothing else builds a key.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::rc::Rc;

use smallvec::SmallVec;

use crate::error::Error;

/// The id of a task as it is passed around; those the module makes are 11 bytes.
pub type Id = SmallVec<[u8; 24]>;
/// Longest name, id or worker, in bytes.
pub const MAX_NAME: usize = 256;
/// Priorities are 0 (most urgent) to 9.
pub const PRIORITIES: u8 = 10;

/// A queue of one database. Cheap to clone and to look up.
#[derive(Clone, Debug, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Number of the SELECT database the queue belongs to.
    pub db: i32,
    text: Rc<str>,
    /// Of the text; taken once, as a command looks its queue up in several maps.
    hash: u64,
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.db == other.db
            && self.hash == other.hash
            && (Rc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash ^ u64::from(self.db.unsigned_abs()));
    }
}

/// A map by name.
pub type ByName<V> = HashMap<Name, V, BuildHasherDefault<Hashed>>;

/// The hasher of what carries its hash with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// How many names are kept at hand.
const RECENT_NAMES: usize = 32;

thread_local! {
    /// Seeded anew in every process: names come from users.
    static HASHER: RandomState = RandomState::new();
    /// The names met last: most commands name the queue of the one before.
    static RECENT: RefCell<[Option<Name>; RECENT_NAMES]> = const { RefCell::new([const { None }; RECENT_NAMES]) };
}

/// Where the ids of tasks in one state stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    /// Sorted set: id, score = due, wall ms.
    Scheduled,
    /// List of one priority: ids that may be claimed, oldest first.
    Ready(u8),
    /// Sorted set: id, score = lease deadline, steady ms of the process that wrote it.
    Claimed,
    /// Sorted set: id, score = died at, wall ms.
    Dead,
    /// Sorted set: id, score = kept until, wall ms.
    Done,
    /// Sorted set: ids that wait for others.
    Blocked,
}

impl Index {
    /// All of them, in the order of a task's life.
    pub const ALL: [Index; 15] = [
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
        }
    }
}

/// One of the keys of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part<'a> {
    /// Hash: settings, paused until, drops in progress, stale counts.
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
}

/// A key: a part of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// The queue.
    pub name: &'a Name,
    /// Which of its keys.
    pub part: Part<'a>,
}

impl Name {
    /// A queue name in database `db`; `BADNAME` unless it is 1 to 256 bytes of UTF-8 without control
    /// characters, not `*`, and free of braces or of the form `{tag}rest` with both parts non-empty and
    /// neither brace nor colon in `rest`.
    pub fn new(db: i32, bytes: &[u8]) -> Result<Name, Error> {
        RECENT.with_borrow_mut(|recent| {
            let place = bytes.iter().fold(bytes.len(), |sum, byte| sum + usize::from(*byte)) % RECENT_NAMES;
            let slot = recent.get_mut(place);
            match slot {
                Some(Some(name)) if name.db == db && name.text.as_bytes() == bytes => Ok(name.clone()),
                Some(slot) => Ok(slot.insert(Name::made(db, bytes)?).clone()),
                None => Name::made(db, bytes),
            }
        })
    }

    fn made(db: i32, bytes: &[u8]) -> Result<Name, Error> {
        let text = plain_text("queue", bytes)?;
        if text.contains(['{', '}']) && !is_tagged(text) {
            return Err(Error::BadName(
                "queue has braces and is not {tag}rest with both parts non-empty and no brace or colon in rest".into(),
            ));
        }
        Ok(Name {
            db,
            text: text.into(),
            hash: HASHER.with(|hasher| hasher.hash_one(text)),
        })
    }

    /// The name as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The settings hash.
    pub fn queue(&self) -> Key<'_> {
        self.key(Part::Queue)
    }
    /// The hash of worker numbers.
    pub fn workers(&self) -> Key<'_> {
        self.key(Part::Workers)
    }
    /// The ids of one state.
    pub fn index(&self, index: Index) -> Key<'_> {
        self.key(Part::Index(index))
    }
    /// The ready list of one priority.
    pub fn ready(&self, priority: u8) -> Key<'_> {
        self.index(Index::Ready(priority))
    }
    /// The record of a task.
    pub fn task<'a>(&'a self, id: &'a [u8]) -> Key<'a> {
        self.key(Part::Task(id))
    }
    /// The extra fields of a task.
    pub fn extra<'a>(&'a self, id: &'a [u8]) -> Key<'a> {
        self.key(Part::Extra(id))
    }
    /// An index set aside by the drop of this number.
    pub fn dropped(&self, number: u64, index: Index) -> Key<'_> {
        self.key(Part::Dropped(number, index))
    }
    fn key<'a>(&'a self, part: Part<'a>) -> Key<'a> {
        Key { name: self, part }
    }
}

impl Key<'_> {
    /// Appends the key's bytes, such as `task:{mail}:ready:5`, to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(24 + self.name.text.len());
        text.push_str("task:");
        if self.name.text.starts_with('{') {
            text.push_str(&self.name.text);
        } else {
            text.push('{');
            text.push_str(&self.name.text);
            text.push('}');
        }
        let mut id: &[u8] = &[];
        match self.part {
            Part::Queue => {}
            Part::Workers => text.push_str(":workers"),
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
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(id);
    }

    /// The key's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out);
        out
    }
}

/// Which key a foreign change touched, as far as the module's memory cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The record or the extra fields of one task.
    Task,
    /// Any other key of the queue.
    Queue,
}

/// The queue a key belongs to, or `None` for a key that is not ours.
pub fn owner(db: i32, key: &[u8]) -> Option<(Name, Touched)> {
    let rest = key.strip_prefix(b"task:{")?;
    let close = rest.iter().position(|&byte| byte == b'}')?;
    let (tag, after) = (rest.get(..close)?, rest.get(close + 1..)?);
    let end = after.iter().position(|&byte| byte == b':').unwrap_or(after.len());
    let (more, suffix) = (after.get(..end)?, after.get(end..)?);
    let touched = match suffix {
        [b':', b't' | b'x', b':', ..] => Touched::Task,
        _ => Touched::Queue,
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

/// `bytes` as text, when it may be a name, id or worker; `what` is named in the `BADNAME` error.
pub fn plain_text<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    let bad = |why: &str| Err(Error::BadName(format!("{what} {why}")));
    if bytes.is_empty() || bytes.len() > MAX_NAME {
        return bad("must be 1 to 256 bytes long");
    }
    if bytes == b"*" {
        return bad("must not be *");
    }
    match std::str::from_utf8(bytes) {
        Err(_) => bad("must be valid UTF-8"),
        Ok(text) if text.chars().any(char::is_control) => bad("must not have control characters"),
        Ok(text) => Ok(text),
    }
}

fn is_tagged(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|rest| rest.split_once('}'))
        .is_some_and(|(tag, rest)| {
            !tag.is_empty() && !tag.contains('{') && !rest.is_empty() && !rest.contains(['{', '}', ':'])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(0, text.as_bytes()).unwrap()
    }
    fn key(key: Key<'_>) -> String {
        String::from_utf8(key.to_vec()).unwrap()
    }

    #[test]
    fn keys_are_those_of_the_documented_layout() {
        let mail = name("mail");
        assert_eq!(key(mail.queue()), "task:{mail}");
        assert_eq!(key(mail.workers()), "task:{mail}:workers");
        assert_eq!(key(mail.ready(5)), "task:{mail}:ready:5");
        assert_eq!(key(mail.index(Index::Scheduled)), "task:{mail}:scheduled");
        assert_eq!(key(mail.task(b"a:b")), "task:{mail}:t:a:b");
        assert_eq!(key(mail.extra(b"7")), "task:{mail}:x:7");
        assert_eq!(key(mail.key(Part::Dropped(9, Index::Dead))), "task:{mail}:drop:9:dead");
        assert_eq!(key(name("{app}mail").ready(0)), "task:{app}mail:ready:0");
    }

    #[test]
    fn a_key_tells_its_name_and_no_two_names_share_one() {
        let names = [
            "mail",
            "{mail}x",
            "a:b",
            "mail:ready:5",
            "{a:b}c",
            "x}".trim_end_matches('}'),
            "é",
            " ",
        ];
        for text in names {
            let name = name(text);
            for index in Index::ALL {
                assert_eq!(
                    owner(0, &name.index(index).to_vec()),
                    Some((name.clone(), Touched::Queue))
                );
            }
            assert_eq!(
                owner(0, &name.task(b"{x}:y").to_vec()),
                Some((name.clone(), Touched::Task))
            );
            assert_eq!(owner(0, &name.queue().to_vec()), Some((name.clone(), Touched::Queue)));
        }
        assert_eq!(owner(0, b"task:mail"), None);
        assert_eq!(owner(0, b"task:{}x"), None);
        assert_eq!(owner(0, b"other"), None);
    }

    #[test]
    fn forbidden_names_are_refused() {
        for bad in ["", "*", "a{b", "{a}", "{}b", "{a}b:c", "{a}b}", "{{a}b", "a\nb", "a\0b"] {
            assert!(
                matches!(Name::new(0, bad.as_bytes()), Err(Error::BadName(_))),
                "{bad:?}"
            );
        }
        assert!(matches!(Name::new(0, b"\xff"), Err(Error::BadName(_))));
        assert!(matches!(Name::new(0, &[b'a'; 257]), Err(Error::BadName(_))));
        assert!(Name::new(0, &[b'a'; 256]).is_ok());
    }
}
