//! `steward events`: the streams of queues and services.

use std::time::Duration;

use redis::{Value, cmd};

use super::Server;
use super::args::EventsArgs;
use crate::args::Output;
use crate::connect::{PATIENCE, Reply};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::{json_line, line, text};

/// How long one call waits for the next event.
const BLOCK: Duration = Duration::from_secs(10);
/// Fields that are numbers elsewhere.
const NUMBERS: [&str; 3] = ["attempt", "epoch", "pid"];

pub(super) fn run(server: &mut Server<'_>, args: &EventsArgs) -> Result<u8, Failure> {
    let key = key(if args.service { "proc" } else { "task" }, &args.name);
    let reply = server.call(
        cmd("XREVRANGE")
            .arg(&key)
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(args.limit.clamp(1, usize::MAX / 2)),
    )?;
    let mut last = "0-0".to_string();
    for entry in reply.items().iter().take(args.limit).rev() {
        show(server.output, entry)?;
    }
    if let Some(id) = reply.items().first().and_then(|entry| entry.items().first()?.text()) {
        last = id;
    }
    if !args.follow {
        return Ok(0);
    }
    loop {
        let mut wait = cmd("XREAD");
        wait.arg("COUNT")
            .arg(1000)
            .arg("BLOCK")
            .arg(crate::connect::millis(BLOCK));
        wait.arg("STREAMS").arg(&key).arg(&last);
        let reply = server.link.call(&wait, BLOCK + PATIENCE);
        let reply = reply.map_err(|error| server.connector.failure(&error))?;
        let streams = reply.items();
        let entries = streams
            .first()
            .and_then(|stream| stream.items().get(1).map(Reply::items));
        for entry in entries.unwrap_or_default() {
            show(server.output, &entry)?;
            last = entry.items().first().and_then(Reply::text).unwrap_or(last);
        }
    }
}

/// The stream of this name: `{tag}rest` has its own tag.
pub(crate) fn key(family: &str, name: &str) -> String {
    if name.starts_with('{') {
        format!("{family}:{name}:events")
    } else {
        format!("{family}:{{{name}}}:events")
    }
}

fn show(form: Output, entry: &Reply) -> Result<(), Failure> {
    let Some(record) = record(entry) else {
        return Ok(());
    };
    match form {
        Output::Json => json_line(&record.json()),
        Output::Text => line(words(&record)),
    }
}

/// An entry of a stream, with its id and moment.
pub(crate) fn record(entry: &Reply) -> Option<Record> {
    let [id, fields] = &entry.items()[..] else { return None };
    let id = id.text().unwrap_or_default();
    let at = id.split('-').next().and_then(|at| at.parse::<i64>().ok());
    let at = at.map_or(Reply(Value::Nil), Reply::from);
    let mut record = Record::default().and("event", &id[..]).and("happened_at", at);
    for (name, value) in fields.pairs() {
        let value = match value.text().as_deref() {
            Some("") => Reply(Value::Nil),
            Some(text) if NUMBERS.contains(&&name[..]) => text.parse().map_or(value, |number: i64| Reply::from(number)),
            _ => value,
        };
        record = record.and(&name, value);
    }
    Some(record)
}

/// One line: when, what, of what, and the rest by name.
fn words(record: &Record) -> String {
    let shown = |name: &str| {
        record
            .get(name)
            .map(|value| text::field(name, value))
            .unwrap_or_default()
    };
    let of = shown("id") + &shown("member");
    let mut line = format!("{}  {:9}  {of}", shown("happened_at"), shown("type"));
    let known = ["event", "happened_at", "type", "id", "member"];
    for (name, value) in record
        .fields()
        .filter(|(name, value)| !known.contains(name) && !value.is_null())
    {
        line.push_str(&format!("  {name}={}", text::field(name, value)));
    }
    line
}
