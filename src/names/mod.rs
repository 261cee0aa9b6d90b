//! Names of queues and services, ids of tasks: which are allowed. The keys built from them are in `keys`.

mod keys;
mod memories;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

pub(crate) use keys::{DROPPED, Index, KEYS, Key, Part, Place, Touched, Type, is_ours, owner, touched};

pub(crate) use memories::Memories;

use crate::error::Error;

/// The id of a task; those that the module makes are 11 bytes. On hot paths it is copied with `from_slice`, because
/// `clone` copies byte by byte.
pub(crate) type Id = SmallVec<[u8; 24]>;
/// Largest token and id number: below 2^53, so that every client language can represent it.
pub(crate) const MAX_TOKEN: i64 = (1 << 53) - 1;
/// Longest name, id or worker, in bytes.
pub(crate) const MAX_NAME: usize = 256;
/// Priorities are 0 (most urgent) to 9.
pub(crate) const PRIORITIES: u8 = 10;

/// The name of a queue or a service of one database. Cheap to clone and to look up.
#[derive(Clone, Debug, Eq)]
pub(crate) struct Name {
    /// The id of its database: not its number, which SWAPDB changes.
    pub db: i32,
    /// Keyed hash of the text, computed once because a command looks its queue up in several maps.
    hash: u32,
    text: Rc<str>,
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
        state.write_u32(self.hash ^ self.db.cast_unsigned());
    }
}

/// By the keyed hash: a position in this order tells nothing about the names around it.
impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        let place = |name: &Name| (name.db, name.hash);
        let texts = || self.text.cmp(&other.text);
        place(self).cmp(&place(other)).then_with(texts)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A map by name.
pub(crate) type ByName<V> = HashMap<Name, V, BuildHasherDefault<Hashed>>;

/// The hasher for keys that carry their own hash.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {}
    fn write_u32(&mut self, hash: u32) {
        // The maps use the highest bits too.
        self.0 = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// How many recent names are cached.
const RECENT_NAMES: usize = 32;

thread_local! {
    /// Seeded in every process, because names come from users.
    static HASHER: RandomState = RandomState::default();
    /// The names used last: most commands name the same queue as the one before.
    static RECENT: RefCell<[Option<Name>; RECENT_NAMES]> = const { RefCell::new([const { None }; RECENT_NAMES]) };
}

impl Name {
    /// The name of a queue in database `db`; `BADNAME` unless it is 1 to 256 bytes of UTF-8 without control
    /// characters, not `*`, and free of braces or of the form `{tag}rest` with both parts non-empty and
    /// neither brace nor colon in `rest`.
    pub(crate) fn new(db: i32, bytes: &[u8]) -> Result<Name, Error> {
        Name::of("queue", db, bytes)
    }

    /// As `new`, of a service.
    pub(crate) fn of_service(db: i32, bytes: &[u8]) -> Result<Name, Error> {
        Name::of("service", db, bytes)
    }

    fn of(what: &str, db: i32, bytes: &[u8]) -> Result<Name, Error> {
        RECENT.with_borrow_mut(|recent| {
            let place = bytes.iter().fold(bytes.len(), |sum, byte| sum + usize::from(*byte)) % RECENT_NAMES;
            let slot = recent.get_mut(place);
            match slot {
                Some(Some(name)) if name.db == db && name.text.as_bytes() == bytes => Ok(name.clone()),
                Some(slot) => Ok(slot.insert(Name::made(what, db, bytes)?).clone()),
                None => Name::made(what, db, bytes),
            }
        })
    }

    fn made(what: &str, db: i32, bytes: &[u8]) -> Result<Name, Error> {
        let text = plain_text(what, bytes)?;
        if text.contains(['{', '}']) && !is_tagged(text) {
            return Err(Error::BadName(format!(
                "{what} has braces and is not {{tag}}rest with both parts non-empty and no brace or colon in rest"
            )));
        }
        Ok(Name {
            db,
            text: text.into(),
            hash: hash(text),
        })
    }

    /// The name as the user wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
    /// The part of the name that decides its slot: all of it, or what is between its braces.
    pub(crate) fn tag(&self) -> &str {
        self.text
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map_or(&self.text, |(tag, _)| tag)
    }
    /// The queue of this name, if it is in the same slot. Errors with `BadArg`, and says `what` it is, otherwise.
    pub(crate) fn neighbour(&self, what: &str, queue: &[u8]) -> Result<Name, Error> {
        let tag = self.tag();
        let other = Name::new(self.db, queue)?;
        if other.tag() != tag {
            return Err(Error::BadArg(format!(
                "{what} must be the name of a queue in the queue's slot: {tag} or {{{tag}}}rest"
            )));
        }
        Ok(other)
    }
    /// The settings hash.
    pub(crate) fn queue(&self) -> Key<'_> {
        self.once(Part::Queue)
    }
    /// The hash of worker numbers.
    pub(crate) fn workers(&self) -> Key<'_> {
        self.once(Part::Workers)
    }
    /// The ids of one state.
    pub(crate) fn index(&self, index: Index) -> Key<'_> {
        self.key(index.place())
    }
    /// The ready list of one priority.
    pub(crate) fn ready(&self, priority: u8) -> Key<'_> {
        self.key(Place::Ready(priority))
    }
    /// The record of a task.
    pub(crate) fn task<'a>(&'a self, id: &'a [u8]) -> Key<'a> {
        self.per_id(Part::Task, id)
    }
    /// The options of a task, beyond its header.
    pub(crate) fn options<'a>(&'a self, id: &'a [u8]) -> Key<'a> {
        self.per_id(Part::Options, id)
    }
    /// The tasks of one group.
    pub(crate) fn group<'a>(&'a self, group: &'a str) -> Key<'a> {
        self.per_id(Part::Group, group.as_bytes())
    }
    /// The tasks that wait for the end of this one.
    pub(crate) fn after<'a>(&'a self, id: &'a [u8]) -> Key<'a> {
        self.per_id(Part::After, id)
    }
    /// The tasks targeted at one worker.
    pub(crate) fn to<'a>(&'a self, worker: &'a str) -> Key<'a> {
        self.per_id(Part::To, worker.as_bytes())
    }
    /// An index set aside by the drop of this number.
    pub(crate) fn dropped(&self, number: u64, index: Index) -> Key<'_> {
        self.key(Place::Dropped(number, index))
    }
    /// One of the keys that a queue has once.
    pub(crate) fn of_queue(&self, part: Part) -> Key<'_> {
        self.once(part)
    }
    /// The hash of the service itself.
    pub(crate) fn service(&self) -> Key<'_> {
        self.once(Part::Service)
    }
    /// The hash of the service's members.
    pub(crate) fn members(&self) -> Key<'_> {
        self.once(Part::Members)
    }
    /// The line of candidates for the lead of the service.
    pub(crate) fn candidates(&self) -> Key<'_> {
        self.once(Part::Candidates)
    }
    /// The event stream of the service.
    pub(crate) fn events(&self) -> Key<'_> {
        self.once(Part::Events)
    }
    /// One of the keys that a queue has many of.
    pub(crate) fn per_id<'a>(&'a self, part: Part, id: &'a [u8]) -> Key<'a> {
        self.key(Place::Of(part, id))
    }
    fn once(&self, part: Part) -> Key<'_> {
        self.key(Place::Once(part))
    }
    /// One of its keys.
    pub(crate) fn key<'a>(&'a self, place: Place<'a>) -> Key<'a> {
        Key { name: self, place }
    }
}

/// `bytes` as text, if it may be a name, id or worker; otherwise a `BADNAME` error that says `what` it is.
pub(crate) fn plain_text<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    let bad = |why: &str| Err(Error::BadName(format!("{what} {why}")));
    if bytes.is_empty() || bytes.len() > MAX_NAME {
        return bad("must be 1 to 256 bytes long");
    }
    if bytes == b"*" {
        return bad("must not be *");
    }
    match std::str::from_utf8(bytes) {
        Err(_) => bad("must be valid UTF-8"),
        Ok(text) if has_control(text) => bad("must not have control characters"),
        Ok(text) => Ok(text),
    }
}

fn has_control(text: &str) -> bool {
    !is_printable(text.as_bytes()) && text.chars().any(char::is_control)
}

/// Whether these are printable ASCII characters alone. Eight at a time: most ids are, and every command has one.
fn is_printable(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let is_word = |bytes: &[u8; 8]| {
        let word = u64::from_ne_bytes(*bytes);
        // Of none is the highest bit set, or is set when a space is subtracted, or when DEL becomes 128.
        (word | word.wrapping_sub(ONES * 0x20) | word.wrapping_add(ONES)) & HIGH == 0
    };
    match bytes.last_chunk() {
        // The last word may overlap the one before.
        Some(last) => bytes.as_chunks().0.iter().all(is_word) && is_word(last),
        None => bytes.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "all bits of the hash are equally good")]
fn hash(text: &str) -> u32 {
    HASHER.with(|hasher| hasher.hash_one(text)) as u32
}

/// A position in the order of the names of a database. Names are looked at in this order, so that no position tells a
/// name, and any number of hidden names can be passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64);

impl Position {
    /// The one behind this name, and behind all others of the same hash.
    pub(crate) fn behind(name: &Name) -> Position {
        Position(u64::from(name.hash) + 1)
    }

    /// As a number for a client, which also tells the process: after a restart the order is another one.
    pub(crate) fn number(self) -> u64 {
        process() << 33 | self.0
    }

    /// From such a number; `None` if it is not one of this process.
    pub(crate) fn of_number(number: u64) -> Option<Position> {
        (number >> 33 == process()).then_some(Position(number & ((1 << 33) - 1)))
    }
}

/// A number for this process, 1 to 2^20.
fn process() -> u64 {
    u64::from(hash("") >> 12) + 1
}

/// Those of `names` in this database, from this position on.
pub(crate) fn from<V>(names: &BTreeMap<Name, V>, db: i32, from: Position) -> impl Iterator<Item = (&Name, &V)> {
    let hash = u32::try_from(from.0).ok();
    let start = hash.map(|hash| Name {
        db,
        hash,
        text: Rc::from(""),
    });
    let range = start.map(|start| names.range(start..));
    range.into_iter().flatten().take_while(move |(name, _)| name.db == db)
}

/// The databases of these names.
pub(crate) fn databases<V>(names: &BTreeMap<Name, V>) -> Vec<i32> {
    let first = |db| Name {
        db,
        hash: 0,
        text: Rc::from(""),
    };
    let from = |db| names.range(first(db)..).next().map(|(name, _)| name.db);
    std::iter::successors(from(i32::MIN), |db| from(db.checked_add(1)?)).collect()
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
        assert_eq!(key(mail.options(b"7")), "task:{mail}:x:7");
        assert_eq!(key(mail.group("customer 7")), "task:{mail}:group:customer 7");
        assert_eq!(key(mail.after(b"a")), "task:{mail}:after:a");
        assert_eq!(key(mail.to("w:1")), "task:{mail}:to:w:1");
        assert_eq!(key(mail.index(Index::Targeted)), "task:{mail}:targeted");
        assert_eq!(key(mail.dropped(9, Index::Dead)), "task:{mail}:drop:9:dead");
        assert_eq!(key(name("{app}mail").ready(0)), "task:{app}mail:ready:0");
        assert_eq!(key(mail.of_queue(Part::RepeatDue)), "task:{mail}:repeat-due");
        assert_eq!(key(mail.of_queue(Part::TaskEvents)), "task:{mail}:events");
        assert_eq!(key(mail.of_queue(Part::History)), "task:{mail}:history");
        assert_eq!(key(mail.service()), "proc:{mail}");
        assert_eq!(key(mail.members()), "proc:{mail}:members");
        assert_eq!(key(mail.candidates()), "proc:{mail}:candidates");
        assert_eq!(key(name("{app}mail").events()), "proc:{app}mail:events");
        assert_eq!((mail.tag(), name("{app}mail").tag()), ("mail", "app"));
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
            for key in [
                name.queue(),
                name.group("{x}:y"),
                name.after(b"{x}:y"),
                name.to("{x}:y"),
            ] {
                assert_eq!(owner(0, &key.to_vec()), Some((name.clone(), Touched::Queue)));
            }
            for key in [name.service(), name.members(), name.candidates()] {
                assert_eq!(owner(0, &key.to_vec()), Some((name.clone(), Touched::Service)));
            }
            assert_eq!(owner(0, &name.events().to_vec()), Some((name.clone(), Touched::Events)));
            let history = name.of_queue(Part::History).to_vec();
            assert_eq!(owner(0, &history), Some((name.clone(), Touched::History)));
        }
        assert_eq!(owner(0, b"task:mail"), None);
        assert_eq!(owner(0, b"task:{}x"), None);
        assert_eq!(owner(0, b"other"), None);
        for others in [
            "task:{7}:subtasks",
            "task:{7}:",
            "task:{7}:readyx",
            "proc:{7}:scheduled",
        ] {
            assert_eq!(owner(0, others.as_bytes()), None, "{others}");
        }
    }

    #[test]
    fn a_walk_meets_every_name_of_a_database_once() {
        let all: BTreeMap<Name, usize> = (0..500)
            .flat_map(|number| [0, 1].map(|db| Name::new(db, format!("n{number}").as_bytes()).unwrap()))
            .zip(0..)
            .collect();
        let mut position = Position::default();
        let mut met = Vec::new();
        while let Some((name, _)) = from(&all, 1, position).next() {
            position = Position::of_number(Position::behind(name).number()).unwrap();
            met.push(name.text().to_string());
        }
        let by_hash = met.clone();
        met.sort_unstable();
        assert_ne!(met, by_hash);
        met.dedup();
        assert_eq!(met.len(), 500);
        assert_eq!(Position::of_number(Position::default().number() ^ 1 << 40), None);
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
