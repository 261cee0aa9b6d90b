//! A small world for unit tests: the fake keyspace, a clock that stands still until it is moved, and the
//! commands as a client types them. It checks the invariants of the data after every step.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Arguments;
use crate::command::run::{Command, Response};
use crate::commands::{self, Visitor, visit_all};
use crate::config::ModuleConfig as Module;
use crate::context::{Caller, Context};
use crate::keyspace::Keyspace as _;
use crate::keyspace::fake::{Fake, Value};
use crate::names::{Index, Name, Part, owner};
use crate::reply::Reply;
use crate::settings::QueueSettings;
use crate::state::State;
use crate::task::header::{
    AWAITED, AWAITED_OUTSIDE, EXPIRES, GROUPED, HEADER_LEN, Header, TARGETED, TaskState, UNIQUE,
};
use crate::task::index::dependencies;
use crate::task::options::{self, Options};
use crate::time::{Ms, Steady, Wall};
use crate::timer;
use crate::tx::Tx;
use crate::waiting::{Answer, Ticket, Waiter};

/// Wall time at which every world begins, ms.
pub(crate) const START: Ms = 1_800_000_000_000;

/// The fake server.
pub(crate) struct World {
    pub keys: Fake,
    /// The id of its database.
    pub db: i32,
    pub state: State,
    pub wall: Wall,
    pub steady: Steady,
    pub module: Module,
    pub answered: Vec<Answer>,
    /// The queue that `places` checks.
    queue: Name,
    /// Whether the server's memory is full.
    pub full: bool,
    units: u64,
}

/// The outcome of a command.
#[derive(Debug)]
pub(crate) enum Came {
    Reply(Reply),
    Waits(Ticket),
}

struct Find<'a> {
    argv: &'a [&'a [u8]],
    connection: Option<u64>,
    world: &'a mut World,
    came: Option<Result<Came, String>>,
}

impl Visitor for Find<'_> {
    fn visit<C: Command>(&mut self) {
        let words: Vec<&[u8]> = C::SPEC.name.split(' ').map(str::as_bytes).collect();
        if self.came.is_some() || !self.argv.starts_with(&words) {
            return;
        }
        let context = self.world.context();
        let caller = Caller {
            db: self.world.db,
            connection: self.connection,
            may_wait: self.connection.is_some(),
            may_see: &|key| !key.ends_with("forbidden"),
            may_write: &|key| !key.ends_with("forbidden"),
        };
        let written = self.world.keys.writes;
        let mut tx = Tx {
            keys: &mut self.world.keys,
            state: &mut self.world.state,
            context,
        };
        let outcome =
            C::Args::parse(&self.argv[words.len()..]).and_then(|args| commands::run::<C>(&args, &caller, &mut tx));
        let came = match outcome {
            Ok(Response::Reply(reply)) => Ok(Came::Reply(reply)),
            Ok(Response::Wait(wait_for, timeout)) => {
                let waiter = Waiter {
                    connection: self.connection.unwrap_or(0),
                    wait_for,
                    timeout,
                };
                Ok(Came::Waits(self.world.state.wait(waiter, self.world.steady).0))
            }
            Ok(Response::Run(_)) => panic!("a command inside a command"),
            Err(error) => {
                assert_eq!(written, self.world.keys.writes, "an error wrote something");
                Err(error.to_string())
            }
        };
        self.came = Some(came);
    }
}

impl World {
    pub(crate) fn new() -> World {
        World {
            keys: Fake::default(),
            db: 0,
            state: State::default(),
            wall: Wall(START),
            steady: Steady(START),
            module: Module::default(),
            answered: Vec::new(),
            queue: queue("q"),
            full: false,
            units: 0,
        }
    }

    pub(crate) fn context(&mut self) -> Context {
        self.units += 1;
        self.keys.now = self.wall.0 as u64;
        Context {
            wall: self.wall,
            wall_us: self.wall.0 as u64 * 1_000,
            steady: self.steady,
            config: self.module,
            chance: self.units,
            memory_full: self.full,
        }
    }

    /// Runs a command from connection `connection`, or from a script.
    pub(crate) fn run(&mut self, connection: Option<u64>, argv: &[&[u8]]) -> Result<Came, String> {
        let mut find = Find {
            argv,
            connection,
            world: self,
            came: None,
        };
        visit_all(&mut find);
        let came = find.came.expect("a known command");
        self.answered.extend(self.state.waiting.take_answered());
        came
    }

    /// Runs a command given as words; the reply as text, the error as it is.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.hear(1, line)
    }

    /// The same over another connection.
    pub(crate) fn hear(&mut self, connection: u64, line: &str) -> String {
        match self.run(Some(connection), &words(line)) {
            Ok(Came::Reply(reply)) => show(&reply),
            Ok(Came::Waits(_)) => "(waits)".into(),
            Err(error) => format!("-{error}"),
        }
    }

    /// Claims one task: its id and token.
    pub(crate) fn claim(&mut self, line: &str) -> Option<(String, i64)> {
        match self.run(None, &words(line)).unwrap() {
            Came::Reply(Reply::Array(tasks)) => {
                let Reply::Map(task) = &tasks[0] else { panic!("no map") };
                match (&task[0].1, &task[1].1) {
                    (Reply::Id(id), Reply::Int(token)) => Some((String::from_utf8(id.to_vec()).unwrap(), *token)),
                    _ => panic!("no claim"),
                }
            }
            _ => None,
        }
    }

    /// Lets time pass and runs the timer until nothing is due.
    pub(crate) fn pass(&mut self, ms: Ms) {
        self.wall = self.wall.after(ms);
        self.steady = self.steady.after(ms);
        self.tick();
    }

    /// Runs the timer until nothing is due.
    pub(crate) fn tick(&mut self) {
        for _ in 0..100_000 {
            if !self.slice() {
                return;
            }
        }
        panic!("the tick never comes to rest");
    }

    /// Runs one slice of the timer; whether anything was due.
    pub(crate) fn slice(&mut self) -> bool {
        let context = self.context();
        let due = self.state.names.take_due(&context);
        let mut tx = Tx {
            keys: &mut self.keys,
            state: &mut self.state,
            context,
        };
        match &due {
            Some(name) if name.db == self.db => timer::run(&mut tx, name),
            Some(name) => tx.state.forget(name),
            None => {}
        }
        while let Some(name) = tx.state.next_to_measure(context.steady) {
            timer::measure(&mut tx, &name);
        }
        while tx.state.settle_next(context.steady) || tx.state.revisit_some() || tx.state.sweep_some() {}
        self.answered.extend(self.state.waiting.take_answered());
        due.is_some()
    }

    /// Empties the database, as FLUSHDB does.
    pub(crate) fn flush(&mut self) {
        self.keys.keys.clear();
        self.state.flushed(self.db, self.db - 1);
        self.db -= 1;
    }

    /// Forgets everything derived, as a restart does.
    pub(crate) fn restart(&mut self) {
        let fence = self.state.fence;
        self.state = State::default();
        self.state.fence = fence;
        self.state.queue(&queue("q"));
        // A load sends an event for every key.
        for (name, what) in self.keys.keys.keys().filter_map(|key| owner(self.db, key)) {
            self.state.touched(&name, what);
        }
        self.state.start_over(self.steady, !self.keys.keys.is_empty());
    }

    fn ids(&self, index: Index) -> Vec<Vec<u8>> {
        match self.keys.keys.get(&self.queue.index(index).to_vec()) {
            Some(Value::List(ids)) => ids.clone(),
            Some(Value::SortedSet(ids)) => ids.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The same of another queue.
    pub(crate) fn places_in(&mut self, name: &str) -> BTreeMap<String, &'static str> {
        let before = std::mem::replace(&mut self.queue, queue(name));
        let places = self.places();
        self.queue = before;
        places
    }

    /// Every task of queue `q` by its place, after checking that each is in exactly one place and that the counts are
    /// exact.
    pub(crate) fn places(&mut self) -> BTreeMap<String, &'static str> {
        let settings = self.settings_of(&self.queue);
        let mut places = BTreeMap::new();
        let mut ghosts = [0_u32; 10];
        let headers = self.headers(&settings);
        let lists: Vec<Vec<Vec<u8>>> = (0..10).map(|p| self.ids(Index::Ready(p))).collect();
        let sets = [
            (Index::Scheduled, TaskState::Waiting, "scheduled"),
            (Index::Claimed, TaskState::Claimed, "claimed"),
            (Index::Dead, TaskState::Dead, "dead"),
            (Index::Done, TaskState::Done, "done"),
            (Index::Blocked, TaskState::Blocked, "blocked"),
            (Index::Targeted, TaskState::Waiting, "ready"),
        ]
        .map(|(index, state, word)| (BTreeSet::from_iter(self.ids(index)), state, word));
        for (id, header) in headers {
            let mut found = Vec::new();
            for (ids, state, word) in &sets {
                if ids.contains(&id) {
                    let kept = *state == TaskState::Done && header.state.is_kept();
                    assert!(
                        kept || header.state == *state,
                        "{word} {}",
                        String::from_utf8_lossy(&id)
                    );
                    found.push(*word);
                }
            }
            for priority in 0..10_u8 {
                let entries = lists[usize::from(priority)]
                    .iter()
                    .filter(|entry| **entry == id)
                    .count();
                assert!(entries <= 1, "an id stands once in a list");
                if header.is_ghost(priority) {
                    assert_eq!(entries, 1, "a ghosts bit stands for an id");
                    ghosts[usize::from(priority)] += 1;
                } else if entries == 1 {
                    assert_eq!((header.state, header.priority), (TaskState::Waiting, priority));
                    assert!(!header.has(TARGETED), "what is in a list is for everyone");
                    found.push("ready");
                }
            }
            if header.state == TaskState::Removed {
                assert!(found.is_empty() && header.ghosts != 0);
                continue;
            }
            assert_eq!(
                found.len(),
                1,
                "{} is in {found:?}: {header:?}",
                String::from_utf8_lossy(&id)
            );
            places.insert(String::from_utf8(id).unwrap(), found[0]);
        }
        assert_eq!(ghosts, settings.ghosts, "the ghosts counts are exact");
        self.check_flags(&places);
        self.check_groups(&places, &settings);
        self.check_targeted(&places, &settings);
        self.check_children(&places, &settings);
        self.check_listed(&settings);
        places
    }

    /// TASK.QUEUES counts what is in the keys.
    fn check_listed(&mut self, settings: &QueueSettings) {
        let shown = self.say("TASK.QUEUES COUNT 1000 STATS");
        let queue = format!("{{queue={} ", self.queue.text());
        let count = |index| self.ids(index).len();
        let in_lists: usize = (0..10).map(|priority| count(Index::Ready(priority))).sum();
        let ghosts: u32 = settings.ghosts.iter().sum();
        let counts = [
            ("scheduled", count(Index::Scheduled)),
            ("ready", in_lists - ghosts as usize + count(Index::Targeted)),
            ("claimed", count(Index::Claimed)),
            ("blocked", count(Index::Blocked)),
            ("done", count(Index::Done)),
            ("dead", count(Index::Dead)),
        ];
        let fields = counts.map(|(state, count)| format!("{state}_tasks={count}"));
        let is_empty = counts.iter().all(|(_, count)| *count == 0);
        let is_listed = shown.contains(&format!("{queue}{} ", fields.join(" ")));
        assert!(is_listed || is_empty && !shown.contains(&queue), "{fields:?}: {shown}");
    }

    /// The headers of the tasks of `q` that were not dropped, and of those that only ghosts are left of.
    fn headers(&self, settings: &QueueSettings) -> Vec<(Vec<u8>, Header)> {
        let prefix = self.queue.task(b"").to_vec();
        self.keys
            .keys
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) => {
                    let id = key.strip_prefix(prefix.as_slice())?;
                    Some((id.to_vec(), Header::read(&text[..HEADER_LEN]).expect("a record")))
                }
                _ => None,
            })
            .filter(|(_, header)| header.fence >= settings.dropped_below())
            .collect()
    }

    /// Each targeted task that is not done is among those of its worker, in its place if it is ready; nothing else is.
    fn check_targeted(&mut self, places: &BTreeMap<String, &'static str>, settings: &QueueSettings) {
        let mut expected = BTreeMap::new();
        for (id, place) in places {
            let header = self.header_of(id);
            if !header.has(TARGETED) {
                continue;
            }
            let options = options::read(&mut self.keys, &self.queue, id.as_bytes());
            let worker = options.to.expect("a worker");
            let score = match *place {
                "done" => continue,
                "ready" => (i64::from(header.priority) << 43) + header.due.0,
                _ => -1,
            };
            expected.insert((worker, id.clone()), score);
        }
        let ready: BTreeMap<Vec<u8>, i64> = match self.keys.keys.get(&self.queue.index(Index::Targeted).to_vec()) {
            Some(Value::SortedSet(ids)) => ids.clone(),
            _ => BTreeMap::new(),
        };
        let due = |id: &Vec<u8>| self.header_of(&String::from_utf8(id.clone()).unwrap()).due.0;
        assert!(ready.iter().all(|(id, score)| due(id) == *score), "by their due times");
        let mut found = BTreeMap::new();
        let prefix = self.queue.to("").to_vec();
        for (key, value) in &self.keys.keys {
            let (Some(worker), Value::SortedSet(ids)) = (key.strip_prefix(prefix.as_slice()), value) else {
                continue;
            };
            for (id, score) in ids {
                let [worker, id] = [worker, id].map(|text| String::from_utf8(text.to_vec()).unwrap());
                let dropped = !places.contains_key(&id) && self.header_of(&id).fence < settings.dropped_below();
                if !dropped {
                    found.insert((worker, id), *score);
                }
            }
        }
        assert_eq!(found, expected);
    }

    /// Of the tasks of each group that became due and have not ended, as many as the limit allows have a turn; all
    /// others are blocked and in its line.
    fn check_groups(&mut self, places: &BTreeMap<String, &'static str>, settings: &QueueSettings) {
        let prefix = self.queue.group("").to_vec();
        let groups = self.keys.keys.iter().filter_map(|(key, value)| match value {
            Value::SortedSet(tasks) => Some((key.strip_prefix(prefix.as_slice())?, tasks)),
            _ => None,
        });
        let mut in_groups = BTreeSet::new();
        for (group, tasks) in groups {
            let (mut turns, mut there) = (0, 0);
            for (id, place) in tasks {
                let id = String::from_utf8(id.clone()).unwrap();
                let Some(found) = places.get(&id) else {
                    // Dropped and not swept yet.
                    assert!(
                        self.header_of(&id).fence < settings.dropped_below(),
                        "{id} is in a group"
                    );
                    continue;
                };
                assert_eq!(self.group_of(&id).as_deref(), Some(group), "{id}");
                assert_eq!(*place > 0, *found == "blocked", "{id} is {found}");
                assert!(
                    ["ready", "claimed", "scheduled", "blocked"].contains(found),
                    "{id} is {found}"
                );
                assert!(
                    *place >= 0 || *found == "scheduled",
                    "{id} let others in and is {found}"
                );
                there += usize::from(*place >= 0);
                turns += usize::from(*place == 0);
                assert!(in_groups.insert(id), "in one group");
            }
            let limit = settings.numbers.group_limit(&self.module);
            assert!(turns <= limit, "no more than the limit have their turn");
            assert!(turns == limit || turns == there, "nobody stands in line in vain");
        }
        for (id, place) in places.iter().filter(|(id, _)| !in_groups.contains(*id)) {
            let waits = self
                .keys
                .hget(self.queue.options(id.as_bytes()), options::WAITS)
                .unwrap()
                .is_some();
            let comes_later = waits || ["scheduled", "dead", "done"].contains(place);
            assert!(
                comes_later || self.group_of(id).is_none(),
                "{id} is {place} without a turn"
            );
        }
    }

    fn settings_of(&self, name: &Name) -> QueueSettings {
        let fields = match self.keys.keys.get(&name.queue().to_vec()) {
            Some(Value::Hash(fields)) => fields.iter().map(|(f, v)| (f.clone(), v.clone())).collect(),
            _ => Vec::new(),
        };
        QueueSettings::read(name, &fields)
    }

    /// The header of a task of `q`.
    pub(crate) fn header_of(&self, id: &str) -> Header {
        let header = self.header_in(&self.queue, id);
        header.unwrap_or_else(|| panic!("no header of {id}"))
    }

    fn header_in(&self, name: &Name, id: &str) -> Option<Header> {
        match self.keys.keys.get(&name.task(id.as_bytes()).to_vec())? {
            Value::String(text) => Some(Header::read(&text[..HEADER_LEN]).expect("a record")),
            _ => None,
        }
    }

    /// Each task that waits for others is in their lines, as often as it says, and no other task is.
    fn check_children(&mut self, places: &BTreeMap<String, &'static str>, settings: &QueueSettings) {
        let mut lines: BTreeSet<(String, (Name, String))> = BTreeSet::new();
        for (key, value) in &self.keys.keys {
            let (Some((line, _)), Value::SortedSet(children)) = (owner(0, key), value) else {
                continue;
            };
            let Some(parent) = key.strip_prefix(line.after(b"").to_vec().as_slice()) else {
                continue;
            };
            for (entry, born) in children {
                let (of, child) = dependencies::dependent(&line, entry).expect("a dependent");
                if of != self.queue {
                    continue;
                }
                let (parent, child) = (text(parent), text(child));
                if places.contains_key(&child) {
                    assert_eq!(self.header_of(&child).fence as i64, *born, "{child}");
                    lines.insert((child, (line.clone(), parent)));
                } else {
                    let dropped = self.header_of(&child).fence < settings.dropped_below();
                    assert!(dropped, "{child} waits for {parent} and is not there");
                }
            }
        }
        for (id, place) in places {
            let waits = self
                .keys
                .hget(self.queue.options(id.as_bytes()), options::WAITS)
                .unwrap();
            let waits = waits.map_or(0, |waits| text(&waits).parse().unwrap());
            let options = self.options_of(id);
            let parents: Vec<(Name, String)> = dependencies::parents(&self.queue, &options)
                .flat_map(|(line, ids)| ids.iter().map(move |parent| (line.clone(), parent.clone())))
                .filter(|parent| lines.contains(&(id.clone(), parent.clone())))
                .collect();
            assert_eq!(parents.len(), waits, "{id}");
            assert!(waits == 0 || *place == "blocked", "{id} is {place}");
            for (line, parent) in parents {
                let settings = self.settings_of(&line);
                let to_come = settings.unresolved.has(parent.as_bytes());
                let flags = if line == self.queue {
                    AWAITED
                } else {
                    AWAITED | AWAITED_OUTSIDE
                };
                let header = self.header_in(&line, &parent);
                let awaited = header.is_some_and(|header| header.has_all(flags));
                assert!(to_come || awaited, "{id} waits for {parent} in vain");
            }
        }
    }

    fn options_of(&self, id: &str) -> Options {
        match self.keys.keys.get(&self.queue.options(id.as_bytes()).to_vec()) {
            Some(Value::Hash(fields)) => fields
                .get(options::OPTIONS)
                .map(|json| serde_json::from_slice(json).expect("options"))
                .unwrap_or_default(),
            _ => Options::default(),
        }
    }

    /// The group of a task, as its header and its extra fields say.
    fn group_of(&self, id: &str) -> Option<Vec<u8>> {
        let header = self.header_of(id);
        let group = self.options_of(id).group;
        assert_eq!(header.has(GROUPED), group.is_some(), "{id}");
        group.map(String::into_bytes)
    }

    /// The expiring set and the unique keys have exactly the tasks whose headers say so.
    fn check_flags(&mut self, places: &BTreeMap<String, &'static str>) {
        let (mut expiring, mut holders) = (BTreeSet::new(), BTreeMap::new());
        for (id, place) in places {
            let header = self.header_of(id);
            let options = self.options_of(id);
            let expires = options.expire.is_some() && header.state != TaskState::Expired;
            assert_eq!(header.has(EXPIRES), expires, "{id}");
            let is_over = options.unique_until_claim && header.deliveries > 0;
            assert_eq!(header.has(UNIQUE), options.unique.is_some() && !is_over, "{id}");
            if header.has(EXPIRES) && matches!(*place, "scheduled" | "ready") {
                expiring.insert(id.clone());
            }
            let held = options
                .unique
                .filter(|_| options.unique_for.is_none() && !["dead", "done"].contains(place) && !is_over);
            if let Some(key) = held {
                assert_eq!(holders.insert(key, id.clone()), None, "one holder a key");
            }
        }
        let noted = match self.keys.keys.get(&self.queue.of_queue(Part::Expiring).to_vec()) {
            Some(Value::SortedSet(ids)) => ids.keys().map(|id| text(id)).collect(),
            _ => BTreeSet::new(),
        };
        assert_eq!(noted, expiring);
        let mut noted = match self.keys.keys.get(&self.queue.of_queue(Part::Unique).to_vec()) {
            Some(Value::Hash(fields)) => fields.iter().map(|(key, id)| (text(key), text(id))).collect(),
            _ => BTreeMap::new(),
        };
        noted.retain(|_, id| !id.contains('\t'));
        assert_eq!(noted, holders);
    }
}

pub(crate) fn queue(text: &str) -> Name {
    Name::new(0, text.as_bytes()).unwrap()
}

/// The value of a field in TASK.GET.
pub(crate) fn got(world: &mut World, id: &str, field: &str) -> String {
    let task = world.say(&format!("TASK.GET q {id}"));
    let rest = task.split(&format!(" {field}=")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("{field} in {task}"));
    rest.split([' ', '}']).next().unwrap().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// A reply as one line of text.
pub(crate) fn show(reply: &Reply) -> String {
    match reply {
        Reply::Null => "null".into(),
        Reply::NullArray => "none".into(),
        Reply::Status(word) | Reply::Word(word) => (*word).into(),
        Reply::Int(number) => number.to_string(),
        Reply::Id(id) => String::from_utf8_lossy(id).into_owned(),
        Reply::Tail(bytes, from) => String::from_utf8_lossy(&bytes[*from..]).into_owned(),
        Reply::Shared(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Reply::Texts(fields) => {
            let fields: Vec<String> = fields.iter().map(|(field, value)| format!("{field}={value}")).collect();
            format!("{{{}}}", fields.join(" "))
        }
        Reply::Map(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(field, value)| format!("{field}={}", show(value)))
                .collect();
            format!("{{{}}}", fields.join(" "))
        }
    }
}
