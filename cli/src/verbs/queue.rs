//! `steward pause`, `resume` and `config`.

use std::time::Duration;

use redis::cmd;

use super::Server;
use super::args::Backoff;
use crate::args::{Output, duration};
use crate::connect::{Reply, millis};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::table::one;
use crate::output::{line, text};

/// Settings that are durations.
const TIMES: [&str; 3] = ["lease", "retain", "dead-retain"];

pub(super) fn pause(server: &mut Server<'_>, queue: &str, time: Option<Duration>) -> Result<u8, Failure> {
    let mut command = cmd("TASK.PAUSE");
    command.arg(queue);
    if let Some(time) = time {
        command.arg("FOR").arg(millis(time));
    }
    server.call(&command)?;
    let stats = Record::of(&server.call(cmd("TASK.STATS").arg(queue))?);
    let until = stats.get("paused_until").cloned().unwrap_or(Reply(redis::Value::Nil));
    told(server.output, queue, until)
}

pub(super) fn resume(server: &mut Server<'_>, queue: &str) -> Result<u8, Failure> {
    server.call(cmd("TASK.RESUME").arg(queue))?;
    told(server.output, queue, Reply(redis::Value::Nil))
}

fn told(form: Output, queue: &str, until: Reply) -> Result<u8, Failure> {
    match form {
        Output::Json => one(form, &Record::default().and("queue", queue).and("paused_until", until))?,
        Output::Text if until.is_null() => line(format_args!("{queue}: not paused"))?,
        Output::Text if until == Reply::from(-1) => line(format_args!("{queue}: paused until it is resumed"))?,
        Output::Text => line(format_args!(
            "{queue}: paused until {}",
            text::field("paused_until", &until)
        ))?,
    }
    Ok(0)
}

pub(super) fn config(server: &mut Server<'_>, queue: &str, settings: &[String]) -> Result<u8, Failure> {
    let changes: Vec<(&str, &str)> = settings.iter().filter_map(|setting| setting.split_once('=')).collect();
    if changes.is_empty() {
        let shown = server.call(cmd("TASK.CONFIG").arg("GET").arg(queue).arg(settings))?;
        return show(server.output, &Record::of(&shown));
    }
    if changes.len() != settings.len() {
        return Err(Failure::usage(
            "config: give either names, to show them, or name=value, to change them",
        ));
    }
    let mut command = cmd("TASK.CONFIG");
    command.arg("SET").arg(queue);
    for (name, value) in &changes {
        let value = stored(name, value).map_err(|error| Failure::usage(format!("{name}={value}: {error}")))?;
        command.arg(name).arg(value);
    }
    server.call(&command)?;
    Ok(0)
}

/// A setting for people has its units; for programs it is as it is stored.
fn show(form: Output, settings: &Record) -> Result<u8, Failure> {
    if form == Output::Json {
        one(form, settings)?;
        return Ok(0);
    }
    for (name, value) in settings.fields() {
        let value = typed(name, &value.text().unwrap_or_default());
        line(format_args!("{name}={}", text::printable(value.as_bytes())))?;
    }
    Ok(0)
}

/// The value of a setting as commands take it.
fn stored(name: &str, value: &str) -> Result<String, String> {
    match name {
        name if TIMES.contains(&name) => duration(value).map(|value| millis(value).to_string()),
        "backoff" => backoff(value).map(|backoff| backoff.0.join(" ")),
        "rate" => match value.split_once('/') {
            Some((claims, time)) => Ok(format!("{claims}/{}", millis(duration(time)?))),
            None => Ok(value.into()),
        },
        _ => Ok(value.into()),
    }
}

/// The same as people type it.
fn typed(name: &str, value: &str) -> String {
    let with_unit = |word: &str| {
        word.parse()
            .map_or_else(|_| word.to_string(), |ms| text::span(ms, usize::MAX))
    };
    match name {
        name if TIMES.contains(&name) => with_unit(value),
        "backoff" => {
            let mut last = "";
            let words = value.split(' ').map(|word| {
                let shown = if last == "JITTER" { word.into() } else { with_unit(word) };
                last = word;
                shown
            });
            words.collect::<Vec<_>>().join(" ").to_lowercase()
        }
        "rate" => match value.split_once('/') {
            Some((claims, time)) => format!("{claims}/{}", with_unit(time)),
            None => value.into(),
        },
        _ => value.into(),
    }
}

/// The words of a BACKOFF, in which durations have units.
pub(crate) fn backoff(text: &str) -> Result<Backoff, String> {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
    if !matches!(words.first().map(String::as_str), Some("FIXED" | "EXPONENTIAL")) {
        return Err("write it as in 'fixed 10s' or 'exponential 1s max 1h jitter 20'".into());
    }
    let mut last = String::new();
    for word in words.iter_mut().skip(1) {
        if last != "JITTER" && word != "MAX" && word != "JITTER" {
            *word = millis(duration(&word.to_lowercase())?).to_string();
        }
        last.clone_from(word);
    }
    Ok(Backoff(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_typed_as_it_is_shown() {
        for (name, typed_as, stored_as) in [
            ("lease", "1m30s", "90000"),
            ("dead-retain", "180d", "15552000000"),
            ("retain", "0ms", "0"),
            ("rate", "10/1s", "10/1000"),
            ("rate", "0", "0"),
            (
                "backoff",
                "exponential 1s max 1h jitter 20",
                "EXPONENTIAL 1000 MAX 3600000 JITTER 20",
            ),
            ("backoff", "fixed 10s jitter 0", "FIXED 10000 JITTER 0"),
            ("attempts", "25", "25"),
            ("dead-queue", "{mail}dead", "{mail}dead"),
        ] {
            assert_eq!(stored(name, typed_as), Ok(stored_as.into()));
            assert_eq!(typed(name, stored_as), typed_as);
        }
        for (name, value) in [
            ("lease", "5"),
            ("rate", "10/1000"),
            ("backoff", "FIXED 10"),
            ("backoff", ""),
        ] {
            assert!(stored(name, value).is_err(), "{name}={value}");
        }
    }
}
