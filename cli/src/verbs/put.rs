//! `steward put`: a task, or one for each line.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::ProgressBar;
use redis::{Cmd, Value, cmd};

use super::Server;
use super::args::PutArgs;
use crate::args::Output;
use crate::connect::{Reply, millis};
use crate::failure::{Failure, say};
use crate::output::record::Record;
use crate::output::{self, text};

/// Most tasks of one call, and most bytes after which it is sent.
const TASKS: usize = 1_000;
const BYTES: usize = 1 << 20;

pub(super) fn run(server: &mut Server<'_>, args: &PutArgs) -> Result<u8, Failure> {
    if args.lines {
        lines(server, args)?;
        return Ok(0);
    }
    let payload = match &args.payload {
        Some(payload) if payload != "-" => payload.clone().into_encoded_bytes(),
        _ => {
            let mut payload = Vec::new();
            let read = source(args)?.read_to_end(&mut payload);
            read.map_err(|error| unreadable(args, &error))?;
            payload
        }
    };
    let mut command = cmd("TASK.SCHEDULE");
    command.arg(&args.queue).arg(payload);
    word(&mut command, "ID", args.id.as_ref());
    unique(&mut command, args);
    options(&mut command, args);
    word(&mut command, "USED", args.used);
    word(&mut command, "DEAD", args.dead.as_ref());
    word(&mut command, "CREATED", args.created.map(|at| at.as_millisecond()));
    let id = server.call(&command)?;
    tell_when(args);
    put(server.output, args, &id)?;
    Ok(0)
}

/// Where payloads are read from.
fn source(args: &PutArgs) -> Result<Box<dyn BufRead>, Failure> {
    match &args.file {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|error| unreadable(args, &error))?;
            Ok(Box::new(BufReader::new(file)))
        }
        None => Ok(Box::new(std::io::stdin().lock())),
    }
}

fn unreadable(args: &PutArgs, error: &std::io::Error) -> Failure {
    let path = args.file.as_ref().map(|path| path.display().to_string());
    let shown = path.unwrap_or_else(|| "standard input".into());
    Failure::new(crate::failure::NO_INPUT, format!("{shown}: {error}"))
}

/// A task for each line, many with each call.
fn lines(server: &mut Server<'_>, args: &PutArgs) -> Result<(), Failure> {
    let mut source: Box<dyn BufRead> = match &args.payload {
        Some(payload) if payload != "-" => Box::new(std::io::Cursor::new(payload.clone().into_encoded_bytes())),
        _ => source(args)?,
    };
    tell_when(args);
    let mut count = 0;
    // Ids on the terminal show it, too.
    let bar = if std::io::stdout().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner().with_message("0 tasks")
    };
    loop {
        let payloads = some_lines(&mut source).map_err(|error| unreadable(args, &error).after(count))?;
        if payloads.is_empty() {
            bar.finish_and_clear();
            return Ok(());
        }
        let mut command = cmd("TASK.MSCHEDULE");
        command.arg(&args.queue).arg(payloads.len()).arg(payloads);
        options(&mut command, args);
        let ids = server.call(&command).map_err(|failure| failure.after(count))?;
        for id in ids.items() {
            count += 1;
            put(server.output, args, &id)?;
        }
        bar.set_message(format!("{count} tasks"));
        bar.tick();
    }
}

/// The next lines, without their ends.
fn some_lines(source: &mut dyn BufRead) -> std::io::Result<Vec<Vec<u8>>> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < TASKS && bytes < BYTES {
        let mut line = Vec::new();
        if source.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        bytes += line.len();
        lines.push(line);
    }
    Ok(lines)
}

/// Says in words when the tasks are due, as a moment may be meant otherwise than it was typed.
fn tell_when(args: &PutArgs) {
    if let Some(at) = due(args).and_then(text::moment) {
        say(format_args!("due {at}"));
    }
}

fn due(args: &PutArgs) -> Option<i64> {
    let delay = args.when.delay.map(|delay| {
        let delay = jiff::SignedDuration::try_from(delay).unwrap_or(jiff::SignedDuration::MAX);
        jiff::Timestamp::now().saturating_add(delay).ok()
    });
    let at = delay.flatten().or(args.when.at)?;
    Some(at.as_millisecond())
}

fn put(form: Output, args: &PutArgs, id: &Reply) -> Result<(), Failure> {
    match form {
        Output::Text => output::line(id.text().unwrap_or_default()),
        Output::Json => {
            let at = due(args).map_or(Reply(Value::Nil), Reply::from);
            let record = Record::default().and("id", id.clone()).and("queue", &args.queue[..]);
            output::json_line(&record.and("due_at", at).json())
        }
    }
}

fn word(command: &mut Cmd, name: &str, value: Option<impl redis::ToRedisArgs>) {
    if let Some(value) = value {
        command.arg(name).arg(value);
    }
}

fn time(command: &mut Cmd, name: &str, value: Option<Duration>) {
    word(command, name, value.map(millis));
}

fn flag(command: &mut Cmd, name: &str, is_set: bool) {
    if is_set {
        command.arg(name);
    }
}

fn unique(command: &mut Cmd, args: &PutArgs) {
    word(command, "UNIQUE", args.unique.as_ref());
    time(command, "FOR", args.unique_for);
    word(command, "UNTIL", args.until_claim.then_some("CLAIM"));
    flag(command, "REPLACE", args.replace);
    flag(command, "KEEP", args.keep);
}

/// The options that SCHEDULE and MSCHEDULE have in common.
fn options(command: &mut Cmd, args: &PutArgs) {
    time(command, "DELAY", args.when.delay);
    word(command, "AT", args.when.at.map(|at| at.as_millisecond()));
    word(command, "KIND", args.kind.as_ref());
    word(command, "PRIORITY", args.priority);
    word(command, "ATTEMPTS", args.attempts);
    word(command, "BACKOFF", args.backoff.as_ref().map(|backoff| &backoff.0));
    time(command, "LEASE", args.lease);
    time(command, "EXPIRE", args.expire);
    time(command, "RETAIN", args.retain);
    word(command, "GROUP", args.group.as_ref());
    word(command, "TO", args.to.as_ref());
    flag(command, "NOW", args.now);
    word(command, "REPLY", args.reply.as_ref());
    word(command, "ON", args.on_dead.then_some("DEAD"));
    if !args.after.is_empty() || !args.after_in.is_empty() {
        command.arg("AFTER").arg(args.after.len()).arg(&args.after);
        for parent in args.after_in.chunks_exact(2) {
            if let [queue, id] = parent {
                command.arg("IN").arg(queue).arg(1).arg(id);
            }
        }
        flag(command, "MISSINGOK", args.missing_ok);
        let on_fail = args.on_fail.and_then(|word| word.to_possible_value());
        word(command, "ONFAIL", on_fail.map(|word| word.get_name().to_uppercase()));
    }
}
