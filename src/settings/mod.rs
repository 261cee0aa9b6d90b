//! A queue's own settings: the fields of `task:{q}`, as text in the hash and as values here.

mod numbers;

pub(crate) use numbers::NUMBERS;
use numbers::{
    ATTEMPTS, CONCURRENCY, DEAD_LIMIT, DEAD_RETAIN, EVENTS, GROUP_LIMIT_AT, LEASE, MAX_LENGTH, MAX_LOST, RETAIN,
};

use crate::backoff::{self, Backoff};
use crate::command::int;
use crate::config;
use crate::error::Error;
use crate::names::{Id, Name, PRIORITIES};
use crate::rate::{self, Rate};
use crate::time::Ms;

/// The fields of the queue hash, read. `None` where the module's setting applies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueueSettings {
    /// The service whose members are the queue's workers: that of its own name unless it was told another.
    pub service: Name,
    values: [Option<i64>; NUMBERS.len()],
    /// The wait between attempts.
    pub backoff: Option<Backoff>,
    /// How many claims in how long; `None` for any number.
    pub rate: Option<Rate>,
    /// Paused until this wall moment, ms; `i64::MAX` until RESUME.
    pub paused: Option<Ms>,
    /// Numbers of the drops that are not swept yet, ascending.
    pub drops: Vec<u64>,
    /// Workers whose membership ended while very many tasks were for them: no task of a smaller fence than this is for
    /// that worker any more.
    pub orphaned: Vec<(String, u64)>,
    /// Ends of tasks of which some that waited for them were not told yet, in the order of `below`.
    pub settling: Vec<Settling>,
    /// How many ids in each ready list stand for a task that went elsewhere.
    pub ghosts: [u32; PRIORITIES as usize],
}

/// The end of a task of which some that waited for it were not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settling {
    /// The task.
    pub parent: Id,
    /// Those whose first fence is below this waited for it.
    pub below: u64,
    /// Whether it was acknowledged.
    pub done: bool,
}

/// Names of all settings for TASK.CONFIG, in the documented order.
pub(crate) const FIELDS: [&str; 13] = [
    "lease",
    "attempts",
    "backoff",
    "retain",
    "concurrency",
    RATE,
    GROUP_LIMIT,
    "max-length",
    "max-lost",
    "dead-limit",
    "dead-retain",
    "events",
    SERVICE,
];

/// Field that holds the name of the service; not stored when it is the queue's own.
pub(crate) const SERVICE: &str = "service";

/// Field that holds the most tasks of one group that run at a time.
pub(crate) const GROUP_LIMIT: &str = "group-limit";
/// Field that holds the rate.
const RATE: &str = "rate";

/// Field that holds the wall moment a pause ends.
pub(crate) const PAUSED: &str = "paused";
/// Field that holds the numbers of unfinished drops.
pub(crate) const DROPS: &str = "drops";
/// What the field begins with that says, of a worker whose membership ended, which tasks are for everyone since.
pub(crate) const ORPHANED: &str = "orphaned:";
/// What the fields of ends begin with that not all were told of; behind it the id of the task.
const SETTLING: &str = "settling:";
/// The pause that only RESUME ends, as stored.
pub(crate) const UNTIL_RESUMED: &str = "until-resumed";

/// The field of the end of a task that not all were told of.
pub(crate) fn settling_field(parent: &[u8]) -> Vec<u8> {
    [SETTLING.as_bytes(), parent].concat()
}

/// The field that counts the ghosts of one ready list.
pub(crate) const fn ghosts_field(priority: u8) -> &'static str {
    match priority {
        0 => "ghosts:0",
        1 => "ghosts:1",
        2 => "ghosts:2",
        3 => "ghosts:3",
        4 => "ghosts:4",
        5 => "ghosts:5",
        6 => "ghosts:6",
        7 => "ghosts:7",
        8 => "ghosts:8",
        _ => "ghosts:9",
    }
}

impl QueueSettings {
    /// What applies to a queue that says nothing.
    pub(crate) fn new(queue: &Name) -> QueueSettings {
        QueueSettings {
            service: queue.clone(),
            values: Default::default(),
            backoff: None,
            rate: None,
            paused: None,
            drops: Vec::new(),
            orphaned: Vec::new(),
            settling: Vec::new(),
            ghosts: Default::default(),
        }
    }

    /// From the fields of the hash. Values out of range and unknown fields are as if they were not there.
    pub(crate) fn read(queue: &Name, fields: &[(Vec<u8>, Vec<u8>)]) -> QueueSettings {
        let mut settings = QueueSettings::new(queue);
        for (field, value) in fields {
            let Ok(field) = std::str::from_utf8(field) else {
                continue;
            };
            settings.read_field(field, value);
        }
        settings.settling.sort_by_key(|rest| rest.below);
        settings
    }

    fn read_field(&mut self, field: &str, value: &[u8]) {
        let text = std::str::from_utf8(value).unwrap_or_default();
        match field {
            "backoff" => self.backoff = Backoff::parse(text),
            RATE => self.rate = Rate::parse(value).unwrap_or(None),
            SERVICE => self.service = service(&self.service, value).unwrap_or_else(|_| self.service.clone()),
            PAUSED if text == UNTIL_RESUMED => self.paused = Some(i64::MAX),
            PAUSED => self.paused = text.parse().ok(),
            DROPS => {
                self.drops = text.split(' ').filter_map(|number| number.parse().ok()).collect();
                self.drops.sort_unstable();
            }
            _ if field.starts_with(SETTLING) => self.settling.extend(settling(field, text)),
            _ => {
                if let Some(worker) = field.strip_prefix(ORPHANED) {
                    self.orphaned
                        .extend(text.parse().ok().map(|below| (worker.to_string(), below)));
                    self.orphaned.sort_unstable();
                    return;
                }
                for priority in 0..PRIORITIES {
                    if field == ghosts_field(priority) {
                        if let Some(ghosts) = self.ghosts.get_mut(usize::from(priority)) {
                            *ghosts = text.parse().unwrap_or(0);
                        }
                        return;
                    }
                }
                for (slot, number) in self.values.iter_mut().zip(&NUMBERS) {
                    if number.name == field {
                        *slot = int(field, value, number.range.0, number.range.1, number.unit).ok();
                    }
                }
            }
        }
    }

    fn number(&self, at: usize, module: &config::ModuleConfig) -> i64 {
        match (self.values.get(at).copied().flatten(), NUMBERS.get(at)) {
            (Some(value), _) => value,
            (None, Some(number)) => (number.default)(module),
            (None, None) => 0,
        }
    }
    /// How long a claim lasts, ms.
    pub(crate) fn lease(&self, module: &config::ModuleConfig) -> Ms {
        self.number(LEASE, module)
    }
    /// Most runs of a task.
    pub(crate) fn attempts(&self, module: &config::ModuleConfig) -> u64 {
        u64::try_from(self.number(ATTEMPTS, module)).unwrap_or(1)
    }
    /// A task lost more often than this is dead.
    pub(crate) fn max_lost(&self, module: &config::ModuleConfig) -> u64 {
        u64::try_from(self.number(MAX_LOST, module)).unwrap_or(0)
    }
    /// Most dead tasks kept.
    pub(crate) fn dead_limit(&self, module: &config::ModuleConfig) -> usize {
        usize::try_from(self.number(DEAD_LIMIT, module)).unwrap_or(0)
    }
    /// How long dead tasks are kept, ms.
    pub(crate) fn dead_retain(&self, module: &config::ModuleConfig) -> Ms {
        self.number(DEAD_RETAIN, module)
    }
    /// How long a task that is done is kept, ms.
    pub(crate) fn retain(&self, module: &config::ModuleConfig) -> Ms {
        self.number(RETAIN, module)
    }
    /// Most tasks claimed at once; 0 for any number.
    pub(crate) fn concurrency(&self, module: &config::ModuleConfig) -> usize {
        usize::try_from(self.number(CONCURRENCY, module)).unwrap_or(0)
    }
    /// Most tasks that wait, are claimed or blocked; 0 for any number.
    pub(crate) fn max_length(&self, module: &config::ModuleConfig) -> usize {
        usize::try_from(self.number(MAX_LENGTH, module)).unwrap_or(0)
    }
    /// Most tasks of one group that run at a time.
    pub(crate) fn group_limit(&self, module: &config::ModuleConfig) -> usize {
        usize::try_from(self.number(GROUP_LIMIT_AT, module)).unwrap_or(1)
    }
    /// How many entries the stream of events keeps; 0 for no stream.
    pub(crate) fn events(&self, module: &config::ModuleConfig) -> usize {
        usize::try_from(self.number(EVENTS, module)).unwrap_or(0)
    }
    /// The wait between attempts.
    pub(crate) fn backoff(&self) -> Backoff {
        self.backoff.unwrap_or(backoff::DEFAULT)
    }
    /// A record whose fence is below this exists for no command.
    pub(crate) fn dropped_below(&self) -> u64 {
        self.drops.last().copied().unwrap_or(0)
    }
    /// Whether the task of this fence was for the worker before its membership ended, and is for everyone since.
    pub(crate) fn is_orphan(&self, worker: &str, fence: u64) -> bool {
        self.orphaned
            .iter()
            .any(|(gone, below)| gone == worker && fence < *below)
    }
    /// Number of ghosts in one ready list.
    pub(crate) fn ghosts(&self, priority: u8) -> u32 {
        self.ghosts.get(usize::from(priority)).copied().unwrap_or(0)
    }
    /// Whether there are ghosts in any list.
    pub(crate) fn has_ghosts(&self) -> bool {
        self.ghosts.iter().any(|ghosts| *ghosts != 0)
    }
    /// Another number of ghosts in one ready list.
    pub(crate) fn set_ghosts(&mut self, priority: u8, number: u32) {
        if let Some(ghosts) = self.ghosts.get_mut(usize::from(priority)) {
            *ghosts = number;
        }
    }

    /// The value of a setting as TASK.CONFIG GET shows it; `None` for an unknown name.
    pub(crate) fn show(&self, field: &str, module: &config::ModuleConfig) -> Option<String> {
        match field {
            "backoff" => return Some(self.backoff().to_string()),
            RATE => return Some(self.rate.map_or(rate::NONE.to_string(), |rate| rate.to_string())),
            SERVICE => return Some(self.service.text().to_string()),
            _ => {}
        }
        let at = NUMBERS.iter().position(|number| number.name == field)?;
        Some(self.number(at, module).to_string())
    }
}

/// What is left to be told of an end; `None` for what is nothing of ours.
fn settling(field: &str, text: &str) -> Option<Settling> {
    let (below, how) = text.split_once(' ')?;
    Some(Settling {
        parent: Id::from_slice(field.strip_prefix(SETTLING)?.as_bytes()),
        below: below.parse().ok()?,
        done: how == "done",
    })
}

/// The service of this name, if one unit can deal with it and the queue; else `BadArg`.
fn service(queue: &Name, name: &[u8]) -> Result<Name, Error> {
    let tag = queue.tag();
    Name::of_service(queue.db, name)
        .ok()
        .filter(|service| service.tag() == tag)
        .ok_or_else(|| {
            Error::BadArg(format!(
                "service must be the name of a service in the queue's slot: {tag} or {{{tag}}}rest, without brace or colon in rest"
            ))
        })
}

/// Checks a value TASK.CONFIG SET was given; replies the text to store.
pub(crate) fn check(queue: &Name, field: &str, value: &[u8]) -> Result<(&'static str, String), Error> {
    let Some(name) = FIELDS.iter().find(|known| known.eq_ignore_ascii_case(field)) else {
        return Err(Error::BadArg(format!("field must be one of {}", FIELDS.join(", "))));
    };
    if *name == "backoff" {
        return std::str::from_utf8(value)
            .ok()
            .and_then(Backoff::parse)
            .map(|rule| (*name, rule.to_string()))
            .ok_or_else(|| {
                Error::BadArg(
                    "backoff must be FIXED|EXPONENTIAL base-ms [MAX ms] [JITTER percent], 0 to 3153600000000 ms, 0 to 100 percent"
                        .into(),
                )
            });
    }
    if *name == RATE {
        let rate = Rate::parse(value)?;
        return Ok((RATE, rate.map_or(rate::NONE.to_string(), |rate| rate.to_string())));
    }
    if *name == SERVICE {
        return service(queue, value).map(|service| (*name, service.text().to_string()));
    }
    match NUMBERS.iter().find(|number| number.name == *name) {
        Some(number) => {
            int(name, value, number.range.0, number.range.1, number.unit).map(|value| (*name, value.to_string()))
        }
        None => Err(Error::Internal),
    }
}

#[cfg(test)]
pub mod table;
#[cfg(test)]
mod tests;
