//! `steward leader` and `steward pid`: who leads, and the process that it runs.

use redis::cmd;
use serde_json::{Map, Value as Json, json};

use crate::args::{Common, Output};
use crate::connect::{CallError, Link, PATIENCE, Reply};
use crate::failure::{Failure, say};
use crate::output::{self, json_of, line};
use crate::process::{Process, host};

/// Nobody leads, or the process is not here.
const NOT_THERE: u8 = 1;

/// `steward leader SERVICE`.
pub(crate) fn leader(common: &Common, service: &str) -> Result<u8, Failure> {
    let connector = common.connector()?;
    let mut link = connector.open_first(service)?;
    let reply = ask_leader(&mut link, service).map_err(|error| connector.failure(&error))?;
    if reply.is_null() {
        say(format_args!("nobody leads {service}"));
        return Ok(NOT_THERE);
    }
    let fields = reply.fields();
    let text = |name: &str| fields.get(name).and_then(Reply::text).unwrap_or_else(|| "-".into());
    match common.output {
        Output::Json => {
            let fields: Map<String, Json> = fields
                .iter()
                .map(|(name, value)| (name.clone(), json_of(&value.0)))
                .collect();
            line(Json::Object(fields))?;
        }
        Output::Text => {
            let since = fields.get("since_at").unwrap_or(&Reply(redis::Value::Nil));
            line(format_args!(
                "{} leads since {}: pid {} on {}, epoch {}",
                text("member"),
                output::text::field("since_at", since),
                text("pid"),
                text("host"),
                text("epoch")
            ))?;
        }
    }
    Ok(0)
}

/// `steward pid SERVICE [MEMBER]`.
pub(crate) fn pid(common: &Common, service: &str, member: Option<&str>) -> Result<u8, Failure> {
    let connector = common.connector()?;
    let mut link = connector.open_first(service)?;
    let found = find(&mut link, service, member).map_err(|error| connector.failure(&error))?;
    let Some(process) = found else {
        match member {
            Some(member) => say(format_args!("{member} is not a member of {service} with a process")),
            None => say(format_args!("nobody leads {service}")),
        }
        return Ok(NOT_THERE);
    };
    if process.host != host() {
        say(format_args!("pid {} on {}", process.pid, process.host));
        return Ok(NOT_THERE);
    }
    if !process.is_running() {
        say(format_args!("pid {} on {}, which has ended", process.pid, process.host));
        return Ok(NOT_THERE);
    }
    match common.output {
        Output::Json => line(json!({"pid": process.pid, "host": process.host}))?,
        Output::Text => line(process.pid)?,
    }
    Ok(0)
}

pub(crate) fn ask_leader(link: &mut Link, service: &str) -> Result<Reply, CallError> {
    link.call(cmd("HB.LEADER").arg(service), PATIENCE)
}

fn find(link: &mut Link, service: &str, member: Option<&str>) -> Result<Option<Process>, CallError> {
    let member = match member {
        Some(member) => Some(member.to_string()),
        None => ask_leader(link, service)?.fields().get("member").and_then(Reply::text),
    };
    let Some(member) = member else {
        return Ok(None);
    };
    let reply = link.call(cmd("PID.GET").arg(service).arg(member), PATIENCE)?;
    let fields = reply.fields();
    let text = |name: &str| fields.get(name).and_then(Reply::text);
    let pid = fields.get("pid").and_then(Reply::number);
    Ok(pid.and_then(|pid| u32::try_from(pid).ok()).map(|pid| Process {
        pid,
        host: text("host").unwrap_or_default(),
        start: text("start").unwrap_or_default(),
        boot: text("boot").unwrap_or_default(),
    }))
}
