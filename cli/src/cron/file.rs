//! The file of recurring tasks, and one definition: as it is written there, as commands take it, as the server shows it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use redis::{Cmd, Value, cmd};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::args::duration;
use crate::connect::Reply;
use crate::connect::millis;
use crate::failure::{Failure, NO_INPUT};
use crate::output::record::Record;
use crate::output::text;
use crate::verbs::{backoff, moment};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    owner: Option<String>,
    /// Those of tasks that name none.
    queue: Option<String>,
    tz: Option<String>,
    #[serde(default)]
    task: BTreeMap<String, Spanned<Task>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Task {
    cron: Option<String>,
    every: Option<String>,
    tz: Option<String>,
    start: Option<Moment>,
    end: Option<Moment>,
    limit: Option<u64>,
    queue: Option<String>,
    payload: String,
    misfire: Option<String>,
    within: Option<String>,
    overlap: Option<String>,
    kind: Option<String>,
    priority: Option<u8>,
    attempts: Option<u32>,
    backoff: Option<String>,
    lease: Option<String>,
    expire: Option<String>,
    retain: Option<String>,
    group: Option<String>,
    to: Option<String>,
    now: bool,
    reply: Option<String>,
    on_dead: bool,
}

/// A date of TOML, or text as for `--at`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Date(Datetime),
    Text(String),
}

/// All that a file defines.
pub(super) struct Wanted {
    pub owner: Option<String>,
    /// By queue and name.
    pub tasks: BTreeMap<(String, String), Definition>,
}

/// One recurring task. What the server shows of it is compared with this, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub fields: BTreeMap<&'static str, Vec<u8>>,
    /// Where it stands.
    pub place: String,
    /// The words of REPEAT behind the payload.
    words: Vec<String>,
}

/// The fields that make a definition, in the order in which differences are shown.
const FIELDS: [&str; 10] = [
    "rule",
    "start_at",
    "end_at",
    "limit",
    "misfire",
    "within_ms",
    "overlap",
    "owner",
    "options",
    "payload",
];

pub(super) fn read(path: &Path) -> Result<Wanted, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(NO_INPUT, format!("{shown}: {error}")))?;
    let place = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        format!("{shown}: line {}", before.matches('\n').count() + 1)
    };
    let file: File = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Failure::config(format!("{}: {}", place(at), error.message().replace('\n', " ")))
    })?;
    let mut tasks = BTreeMap::new();
    for (name, task) in &file.task {
        let place = format!("{}: task {name}", place(task.span().start));
        let wrong = |error: String| Failure::config(format!("{place}: {error}"));
        let task = task.get_ref();
        let queue = task.queue.as_ref().or(file.queue.as_ref());
        let queue = queue.ok_or_else(|| wrong("queue is missing: write queue = \"...\" here or above".into()))?;
        let mut definition = define(task, &file).map_err(wrong)?;
        definition.place = place;
        tasks.insert((queue.clone(), name.clone()), definition);
    }
    Ok(Wanted {
        owner: file.owner,
        tasks,
    })
}

fn define(task: &Task, file: &File) -> Result<Definition, String> {
    let mut fields: BTreeMap<&'static str, Vec<u8>> = BTreeMap::new();
    let mut words: Vec<String> = match (&task.cron, &task.every) {
        (Some(cron), None) => {
            let zone = task.tz.as_ref().or(file.tz.as_ref()).map_or("UTC", String::as_str);
            vec![
                "CRON".into(),
                cron.split_whitespace().collect::<Vec<_>>().join(" "),
                "TZ".into(),
                zone.into(),
            ]
        }
        (None, Some(every)) => vec!["EVERY".into(), time("every", every)?],
        _ => return Err("give either cron or every".into()),
    };
    fields.insert("rule", words.join(" ").into());
    let mut set = |field, word: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([word.to_string(), value.clone()]);
            fields.insert(field, value.into());
        }
    };
    set("start_at", "START", at("start", task.start.as_ref())?);
    set("end_at", "END", at("end", task.end.as_ref())?);
    set("limit", "LIMIT", task.limit.map(|limit| limit.to_string()));
    let upper = |text: &Option<String>| text.as_ref().map(|text| text.to_uppercase());
    let within = task.within.as_ref().map(|text| time("within", text)).transpose()?;
    let misfire = upper(&task.misfire).or(within.as_ref().map(|_| "ONCE".into()));
    set("misfire", "MISFIRE", misfire);
    set("within_ms", "WITHIN", within);
    set("overlap", "OVERLAP", upper(&task.overlap));
    set("owner", "OWNER", file.owner.clone());
    let options = options(task)?;
    fields.entry("misfire").or_insert_with(|| "ONCE".into());
    fields.entry("overlap").or_insert_with(|| "ALLOW".into());
    fields.insert("options", options.join(" ").into());
    fields.insert("payload", task.payload.clone().into());
    words.extend(options);
    Ok(Definition {
        fields,
        place: String::new(),
        words,
    })
}

/// The options of its tasks, in the order in which the server shows them.
fn options(task: &Task) -> Result<Vec<String>, String> {
    let ms = |name: &str, value: &Option<String>| value.as_ref().map(|value| time(name, value)).transpose();
    let with = |word: &str, value: Option<String>| value.map_or_else(Vec::new, |value| vec![word.to_string(), value]);
    let flag = |words: &[&str], is_set: bool| -> Vec<String> {
        let words = words.iter().filter(|_| is_set);
        words.map(|word| (*word).to_string()).collect()
    };
    let backoff = task.backoff.as_ref().map(|value| backoff(value)).transpose();
    let backoff = backoff.map_err(|error| format!("backoff: {error}"))?;
    let backoff = backoff.map(|backoff| [vec!["BACKOFF".into()], backoff.0].concat());
    Ok([
        with("KIND", task.kind.clone()),
        with("PRIORITY", task.priority.map(|priority| priority.to_string())),
        with("ATTEMPTS", task.attempts.map(|attempts| attempts.to_string())),
        backoff.unwrap_or_default(),
        with("LEASE", ms("lease", &task.lease)?),
        with("EXPIRE", ms("expire", &task.expire)?),
        with("RETAIN", ms("retain", &task.retain)?),
        with("GROUP", task.group.clone()),
        with("TO", task.to.clone()),
        flag(&["NOW"], task.now),
        with("REPLY", task.reply.clone()),
        flag(&["ON", "DEAD"], task.on_dead),
    ]
    .concat())
}

fn time(name: &str, text: &str) -> Result<String, String> {
    let time = duration(text).map_err(|error| format!("{name}: {error}"))?;
    Ok(millis(time).to_string())
}

fn at(name: &str, moment: Option<&Moment>) -> Result<Option<String>, String> {
    let text = match moment {
        None => return Ok(None),
        Some(Moment::Date(date)) => date.to_string(),
        Some(Moment::Text(text)) => text.clone(),
    };
    let at: Timestamp = moment::parse(&text).map_err(|error| format!("{name}: {error}"))?;
    Ok(Some(at.as_millisecond().to_string()))
}

impl Definition {
    /// As the server shows it.
    pub(super) fn shown(record: &Record) -> Definition {
        let value = |name: &'static str| {
            let value = record.get(name)?;
            let joined = || {
                value
                    .items()
                    .iter()
                    .filter_map(Reply::text)
                    .collect::<Vec<_>>()
                    .join(" ")
                    .into_bytes()
            };
            let text = || value.text().map(String::into_bytes);
            let bytes = value.bytes().map(<[u8]>::to_vec).or_else(text);
            Some((name, bytes.unwrap_or_else(joined)))
        };
        Definition {
            fields: FIELDS.into_iter().filter_map(value).collect(),
            place: String::new(),
            words: Vec::new(),
        }
    }

    /// The command that defines it under this name.
    pub(super) fn repeat(&self, queue: &str, name: &str) -> Cmd {
        let mut command = cmd("TASK.REPEAT");
        let payload = self.fields.get("payload").cloned().unwrap_or_default();
        command.arg(queue).arg(name).arg(payload).arg(&self.words);
        command
    }

    /// The same, for occurrences from this moment on.
    pub(super) fn from(&self, start: i64) -> Definition {
        let mut from = self.clone();
        match from.words.iter().position(|word| word == "START") {
            Some(at) => from.words.splice(at + 1..at + 2, [start.to_string()]).for_each(drop),
            None => from.words.extend(["START".into(), start.to_string()]),
        }
        from
    }

    pub(super) fn rule(&self) -> String {
        self.text("rule")
    }

    fn text(&self, name: &str) -> String {
        self.fields
            .get(name)
            .map_or_else(|| "-".into(), |value| text::printable(value))
    }

    /// What of it is not as that: each field with its old and its new value.
    pub(super) fn changes(&self, old: &Definition) -> Vec<(&'static str, String, String)> {
        let is_same = |name: &str| {
            let (new, old) = (self.fields.get(name), old.fields.get(name));
            // Names of zones are spelled as in the database.
            new == old || name == "rule" && new.zip(old).is_some_and(|(new, old)| new.eq_ignore_ascii_case(old))
        };
        let changed = FIELDS.into_iter().filter(|name| !is_same(name));
        changed
            .map(|name| (name, old.shown_field(name), self.shown_field(name)))
            .collect()
    }

    fn shown_field(&self, name: &str) -> String {
        let Some(value) = self.fields.get(name) else {
            return "-".into();
        };
        let number = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        match number {
            Some(number) if name.ends_with("_at") || name.ends_with("_ms") => {
                text::field(name, &Reply(Value::Int(number)))
            }
            _ => self.text(name),
        }
    }
}
