//! A queue's own settings: the fields of `task:{q}`, text in the hash and values here.

pub(crate) mod kinds;
pub(crate) mod table;
mod unresolved;

use kinds::Kinds;
pub(crate) use table::{DEAD_QUEUE, EventsLevel, FIELDS, GROUP_LIMIT, SERVICE, SETTINGS};
use table::{Kind, Numbers, Setting};
use unresolved::UnresolvedEnds;
pub(crate) use unresolved::{How, UNRESOLVED_ENDS, Unresolved, unresolved_field};

use crate::backoff::{self, Backoff};
use crate::command::word;
use crate::config::ModuleConfig;
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::names::{Name, PRIORITIES};
use crate::rate::Rate;
use crate::time::Ms;

/// The parsed fields of the queue hash. `None` where the module's setting applies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueueSettings {
    /// The service whose members are the queue's workers: by default the one of the queue's name.
    pub service: Name,
    /// The queue that gets copies of dead tasks.
    pub dead_queue: Option<Name>,
    /// The numeric settings.
    pub numbers: Numbers,
    /// The wait between attempts.
    pub backoff: Option<Backoff>,
    /// The rate limit of claims; `None` for no limit.
    pub rate: Option<Rate>,
    /// Paused until this wall moment, ms; `i64::MAX` until RESUME.
    pub paused: Option<Ms>,
    /// Numbers of the unfinished drops, ascending.
    pub drops: Vec<u64>,
    /// Workers whose membership ended with more targeted tasks than one transaction releases: tasks with smaller fences
    /// than this are not targeted at that worker any more.
    pub releases: Vec<(String, u64)>,
    /// Ends of tasks with dependents that are not resolved yet.
    pub unresolved: UnresolvedEnds,
    /// The kinds of its tasks.
    pub kinds: Kinds,
    /// How many ids in each ready list stand for a task that went elsewhere.
    pub ghosts: [u32; PRIORITIES as usize],
}

/// Field: the wall moment a pause ends.
pub(crate) const PAUSED: &str = "paused_until";
/// Field: the numbers of unfinished drops.
pub(crate) const DROPS: &str = "drops";
/// Prefix of the fields that say which tasks of a worker whose membership ended are released; then the worker.
pub(crate) const RELEASES: &str = "orphaned:";
/// The pause that only RESUME ends, as stored.
pub(crate) const UNTIL_RESUMED: &str = "-1";

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

/// Whether the queue hash has a field of ours: an application may have a key of the same name. Those that go with other
/// keys are not looked for.
pub(crate) fn exist(keys: &mut dyn Keyspace, queue: &Name) -> bool {
    let key = queue.queue();
    let ghosts = (0..PRIORITIES).map(ghosts_field);
    let settings = SETTINGS.iter().map(|setting| setting.name);
    keys.exists(key)
        && [PAUSED, DROPS, UNRESOLVED_ENDS]
            .into_iter()
            .chain(ghosts)
            .chain(settings)
            .any(|field| keys.hget(key, field.as_bytes()).is_ok_and(|value| value.is_some()))
}

impl QueueSettings {
    /// The settings of a queue that sets none of its own.
    pub(crate) fn new(queue: &Name) -> QueueSettings {
        QueueSettings {
            service: queue.clone(),
            dead_queue: None,
            numbers: Numbers::default(),
            backoff: None,
            rate: None,
            paused: None,
            drops: Vec::new(),
            releases: Vec::new(),
            unresolved: UnresolvedEnds::default(),
            kinds: Kinds::default(),
            ghosts: Default::default(),
        }
    }

    /// Parses the fields of the hash. Values out of range and unknown fields are ignored.
    pub(crate) fn read(queue: &Name, fields: &[(Vec<u8>, Vec<u8>)]) -> QueueSettings {
        let mut settings = QueueSettings::new(queue);
        for (field, value) in fields {
            let Ok(field) = std::str::from_utf8(field) else {
                continue;
            };
            settings.read_field(queue, field, value);
        }
        settings
    }

    fn read_field(&mut self, queue: &Name, field: &str, value: &[u8]) {
        let text = std::str::from_utf8(value).unwrap_or_default();
        match field {
            PAUSED if text == UNTIL_RESUMED => self.paused = Some(i64::MAX),
            PAUSED => self.paused = text.parse().ok(),
            DROPS => {
                self.drops = text.split(' ').filter_map(|number| number.parse().ok()).collect();
                self.drops.sort_unstable();
            }
            _ if self.kinds.read(field, text) => {}
            _ if self.unresolved.read(field, text) => {}
            _ => {
                if let Some(worker) = field.strip_prefix(RELEASES) {
                    self.releases
                        .extend(text.parse().ok().map(|below| (worker.to_string(), below)));
                    self.releases.sort_unstable();
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
                if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == field) {
                    self.read_setting(queue, setting, value);
                }
            }
        }
    }

    /// Takes the stored value of a setting if it is valid.
    fn read_setting(&mut self, queue: &Name, setting: &Setting, value: &[u8]) {
        match &setting.kind {
            Kind::Number { field, .. } | Kind::Word { field, .. } => {
                *field(&mut self.numbers) = setting.number(value).ok()
            }
            Kind::Backoff => self.backoff = std::str::from_utf8(value).ok().and_then(Backoff::parse),
            Kind::Rate => self.rate = Rate::parse(value).unwrap_or(None),
            Kind::Service => self.service = service(&self.service, value).unwrap_or_else(|_| self.service.clone()),
            Kind::DeadQueue => self.dead_queue = dead_queue(queue, value).unwrap_or(None),
        }
    }

    /// The wait between attempts.
    pub(crate) fn backoff(&self) -> Backoff {
        self.backoff.unwrap_or(backoff::DEFAULT)
    }

    /// The effective value of a setting, as TASK.CONFIG GET shows it.
    pub(crate) fn show(&self, setting: &Setting, module: &ModuleConfig) -> String {
        match setting.kind {
            Kind::Number { value, .. } => value(&self.numbers, module).to_string(),
            Kind::Word { words, value, .. } => words
                .get(value(&self.numbers))
                .map_or_else(String::new, ToString::to_string),
            Kind::Backoff => self.backoff().to_string(),
            Kind::Rate => Rate::text(self.rate),
            Kind::Service => self.service.text().to_string(),
            Kind::DeadQueue => self
                .dead_queue
                .as_ref()
                .map_or_else(String::new, |name| name.text().to_string()),
        }
    }

    /// Records with a smaller fence are treated as missing: a DROP covers them.
    pub(crate) fn dropped_below(&self) -> u64 {
        self.drops.last().copied().unwrap_or(0)
    }
    /// Whether the task of this fence was for the worker before its membership ended, and is for everyone since.
    pub(crate) fn is_released(&self, worker: &str, fence: u64) -> bool {
        self.releases
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
    /// Sets the number of ghosts in one ready list.
    pub(crate) fn set_ghosts(&mut self, priority: u8, number: u32) {
        if let Some(ghosts) = self.ghosts.get_mut(usize::from(priority)) {
            *ghosts = number;
        }
    }
}

/// The service of this name. Errors with `BadArg` unless one transaction can write both it and the queue.
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

/// The queue of this name; `None` for no name. Errors with `BadArg` unless it is another one in the queue's slot.
fn dead_queue(queue: &Name, name: &[u8]) -> Result<Option<Name>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    let tag = queue.tag();
    let other = Name::new(queue.db, name).ok();
    let other = other.filter(|other| other.tag() == tag && other != queue);
    other.map(Some).ok_or_else(|| {
        Error::BadArg(format!(
            "dead-queue must be the name of another queue in the queue's slot: {tag} or {{{tag}}}rest"
        ))
    })
}

/// Checks a value given to TASK.CONFIG SET; returns the text to store.
pub(crate) fn check(queue: &Name, field: &str, value: &[u8]) -> Result<(&'static str, String), Error> {
    let Some(setting) = SETTINGS.iter().find(|known| known.name.eq_ignore_ascii_case(field)) else {
        return Err(Error::BadArg(format!("field must be one of {}", FIELDS.join(", "))));
    };
    let text = match &setting.kind {
        Kind::Number { .. } => setting.number(value)?.to_string(),
        Kind::Word { words, .. } => word(setting.name, words, value)?.to_string(),
        Kind::Backoff => std::str::from_utf8(value)
            .ok()
            .and_then(Backoff::parse)
            .map(|rule| rule.to_string())
            .ok_or_else(|| {
                Error::BadArg(
                    "backoff must be FIXED|EXPONENTIAL base-ms [MAX ms] [JITTER percent], 0 to 3153600000000 ms, 0 to 100 percent"
                        .into(),
                )
            })?,
        Kind::Rate => Rate::text(Rate::parse(value)?),
        Kind::Service => service(queue, value)?.text().to_string(),
        Kind::DeadQueue => dead_queue(queue, value)?.map_or_else(String::new, |name| name.text().to_string()),
    };
    Ok((setting.name, text))
}

/// The manual's table of all settings of a queue.
#[cfg(test)]
pub(crate) fn manual_table() -> String {
    let module = ModuleConfig::default();
    let queue = Name::new(0, b"mail").expect("a name");
    let mut table = String::from("| setting | what it decides | values | default |\n| --- | --- | --- | --- |\n");
    for setting in &SETTINGS {
        let default = QueueSettings::new(&queue).show(setting, &module);
        let (values, default) = match setting.kind {
            Kind::Number { range, unit, .. } => (format!("{} to {} {unit}", range.0, range.1), format!("`{default}`")),
            Kind::Backoff => ("as BACKOFF of TASK.SCHEDULE".into(), format!("`{default}`")),
            Kind::Word { words, .. } => (words.join(" or "), format!("`{default}`")),
            Kind::Rate => ("`n/ms`, or 0".into(), format!("`{default}`")),
            Kind::DeadQueue => ("another queue of the same slot".into(), "none".into()),
            Kind::Service => ("a service of the same slot".into(), "its own name".into()),
        };
        let (name, meaning, values) = (setting.name, setting.meaning, values.trim_end());
        table.push_str(&format!("| `{name}` | {meaning} | {values} | {default} |\n"));
    }
    table
}

#[cfg(test)]
mod tests;
