//! What keeps queues from being worked on, and what has died.

use redis::cmd;

use super::Finding;
use super::facts::Facts;
use super::settings::TIMER;
use crate::connect::{CallError, PATIENCE};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::text::span;
use crate::verbs::Server;
use crate::watch::{self, LATE};

/// How many queues are named with one fault.
const NAMED: usize = 10;

/// A queue, its numbers, and what is in the way of its tasks.
struct Queue {
    name: String,
    stats: Record,
    causes: Vec<(String, String)>,
}

impl Queue {
    fn number(&self, field: &str) -> u64 {
        u64::try_from(self.stats.number(field).unwrap_or(0)).unwrap_or(0)
    }

    fn cause(&self, of: &[&str]) -> Option<&str> {
        let found = self.causes.iter().find(|(cause, _)| of.contains(&&cause[..]));
        found.map(|(_, text)| &text[..])
    }
}

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Result<Vec<Finding>, Failure> {
    let mut queues: Vec<Queue> = match watch::queues(&mut server.link) {
        Ok(queues) => queues.into_iter().map(Queue::from).collect(),
        Err(error) => return Ok(vec![Finding::left_out("queues", "TASK.QUEUES", &error)]),
    };
    queues.sort_by(|a, b| a.name.cmp(&b.name));
    let refused = explain(server, &mut queues)?;
    let left_out = refused.map(|error| Finding::left_out("queues", "TASK.EXPLAIN", &error));
    let mut found: Vec<Finding> = left_out.into_iter().collect();
    found.extend(dead(&queues));
    found.extend(late(&queues));
    found.extend(lost(&queues, facts));
    found.extend(of_the_server(&queues, facts));
    found.extend(in_the_way(&queues));
    Ok(found)
}

impl From<Record> for Queue {
    fn from(stats: Record) -> Queue {
        Queue {
            name: stats.text("queue").unwrap_or_default(),
            stats,
            causes: Vec::new(),
        }
    }
}

/// EXPLAIN of every queue, unless the first one is refused.
fn explain(server: &mut Server<'_>, queues: &mut [Queue]) -> Result<Option<CallError>, Failure> {
    let ask = |name: &str| cmd("TASK.EXPLAIN").arg(name).to_owned();
    let names: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
    let first = names.first().map(|first| server.link.call(&ask(first), PATIENCE));
    if let Some(Err(error)) = first {
        return Ok(Some(error));
    }
    let mut queues = queues.iter_mut();
    server.each(&names, ask, |_, causes| {
        if let Some(queue) = queues.next() {
            let causes = Record::all_of(&causes).into_iter();
            queue.causes = causes
                .filter_map(|cause| Some((cause.text("cause")?, cause.text("text")?)))
                .collect();
        }
        Ok(())
    })?;
    Ok(None)
}

/// The queues with a fault, which are told together.
struct Faulty {
    names: Vec<String>,
    /// What is told of each.
    shown: String,
    /// The first one, as a word of a shell.
    first: String,
}

fn faulty<'a>(queues: impl Iterator<Item = &'a Queue>, tell: impl Fn(&Queue) -> Option<String>) -> Option<Faulty> {
    let (names, told): (Vec<String>, Vec<String>) = queues
        .filter_map(|queue| Some((queue.name.clone(), tell(queue)?)))
        .unzip();
    let first = quoted(names.first()?);
    let mut shown: Vec<String> = told.into_iter().take(NAMED).collect();
    if names.len() > NAMED {
        shown.push(format!("and {} queues more", names.len() - NAMED));
    }
    let shown = shown.join(", ");
    Some(Faulty { names, shown, first })
}

/// A name as a word of a shell.
fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.:/@%+=".contains(letter);
    if name.chars().all(is_plain) {
        name.into()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

fn dead(queues: &[Queue]) -> Option<Finding> {
    let Faulty { names, shown, first } = faulty(queues.iter(), |queue| {
        let dead = queue.number("dead_tasks");
        (dead > 0).then(|| format!("{} {dead}", queue.name))
    })?;
    let remedy = format!(
        "steward ls {first} dead tells why; then steward retry {first} --all, or steward purge {first} --state dead --all"
    );
    Some(Finding::warning("dead", format!("dead tasks: {shown}"), remedy).about(names))
}

fn late(queues: &[Queue]) -> Option<Finding> {
    let patience = u64::try_from(LATE).unwrap_or(u64::MAX);
    let awake = queues.iter().filter(|queue| queue.stats.get("paused_until").is_none());
    let Faulty { names, shown, first } = faulty(awake, |queue| {
        let waits = queue.number("oldest_ready_ms");
        let cause = queue.cause(&["concurrency", "rate", "targeted", "unclaimed"]);
        let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
        (waits > patience).then(|| format!("{} {}{cause}", queue.name, span(waits, 2)))
    })?;
    let remedy =
        format!("steward workers {first} shows who works: start more, raise the limit, or look at what they hang on");
    let what = format!("ready tasks wait for too long: {shown}");
    Some(Finding::warning("waiting", what, remedy).about(names))
}

fn lost(queues: &[Queue], facts: &Facts) -> Option<Finding> {
    let (lost, claimed) = (
        facts.number("steward_lost_total"),
        facts.number("steward_claimed_total"),
    );
    let worst = queues.iter().max_by_key(|queue| queue.number("lost_total"));
    (lost >= 10 && lost * 100 > claimed).then(|| {
        let what = format!("{lost} of {claimed} claims were lost since the module was loaded: their leases ran out, or their workers died");
        let worst = worst.map_or_else(|| "QUEUE".into(), |queue| quoted(&queue.name));
        let remedy = format!("steward events {worst} tells why: longer leases or EXTEND, or what the workers die of");
        Finding::warning("lost", what, remedy)
    })
}

/// What is so for the whole server, of the first queue that tells it.
fn of_the_server(queues: &[Queue], facts: &Facts) -> Vec<Finding> {
    let first = |cause: &str| queues.iter().find_map(|queue| queue.cause(&[cause]));
    let mut found = Vec::new();
    if let Some(text) = first("writes-refused") {
        let remedy = "end what the server says; nothing expires or becomes due meanwhile";
        found.push(Finding::error("writes", format!("writes are refused: {text}"), remedy));
    }
    if let Some(text) = first("memory-full") {
        let remedy = "steward purge what is not needed; or CONFIG SET maxmemory, and in redis.conf";
        found.push(Finding::error("memory", text, remedy));
    }
    // Who may see the settings has been told.
    if let Some(text) = first("timer-held").filter(|_| facts.config.is_empty()) {
        found.push(Finding::error("timer", text, TIMER));
    }
    found
}

/// What is so for single queues, and not merely still to come.
fn in_the_way(queues: &[Queue]) -> Vec<Finding> {
    // Where clients wait there are workers, whether they are members or not.
    let lacks_workers = |queue: &&Queue| queue.cause(&["empty"]).is_none() && queue.number("waiting_clients") == 0;
    let is_ready = |queue: &&Queue| queue.number("ready_tasks") > 0;
    let (ready, later): (Vec<&Queue>, Vec<&Queue>) = queues.iter().filter(lacks_workers).partition(is_ready);
    let start = |first: &str| format!("start workers; steward workers {first} shows what they had");
    let signal =
        "when the deploy is over: steward signal SERVICE none MEMBER; steward members shows who has which signal";
    let found = [
        because(ready.into_iter(), "members-down")
            .map(|of| Finding::error("workers", of.shown, start(&of.first)).about(of.names)),
        because(later.into_iter(), "members-down")
            .map(|of| Finding::warning("workers", of.shown, start(&of.first)).about(of.names)),
        because(queues.iter(), "quiet").map(|of| Finding::warning("workers", of.shown, signal).about(of.names)),
        because(queues.iter(), "paused").map(|of| {
            let remedy = format!("steward resume {}", of.first);
            Finding::note("paused", of.shown, remedy).about(of.names)
        }),
    ];
    found.into_iter().flatten().collect()
}

/// The queues that have this cause.
fn because<'a>(queues: impl Iterator<Item = &'a Queue>, cause: &str) -> Option<Faulty> {
    faulty(queues, |queue| {
        let text = queue.cause(&[cause])?;
        Some(format!("queue {}: {text}", queue.name))
    })
}
