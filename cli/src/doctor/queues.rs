//! What keeps queues from being worked on, and what has died.

use redis::cmd;

use super::Finding;
use super::facts::Facts;
use crate::connect::{PATIENCE, Reply};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::text::span;
use crate::verbs::Server;
use crate::watch;

/// How long a task may wait.
const PATIENT: u64 = 60_000;
/// How many queues are named with one fault.
const NAMED: usize = 10;

pub(super) fn check(server: &mut Server<'_>, facts: &Facts) -> Result<Vec<Finding>, Failure> {
    let Ok(mut queues) = watch::queues(&mut server.link) else {
        let what = "this user may not run TASK.QUEUES: queues were not looked at";
        return Ok(vec![Finding::note(
            "queues",
            what,
            "run this as an operator: docs/reference/acl.md",
        )]);
    };
    queues.sort_by_key(|stats| stats.text("queue"));
    let mut found = Vec::new();
    let (mut names, mut dead, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for stats in queues {
        let name = stats.text("queue").unwrap_or_default();
        let number = |field: &str| stats.get(field).and_then(Reply::number).unwrap_or(0);
        if number("dead_tasks") > 0 {
            dead.push((name.clone(), number("dead_tasks")));
        }
        if number("oldest_ready_ms") > PATIENT && stats.get("paused_until").is_none() {
            late.push((name.clone(), number("oldest_ready_ms")));
        }
        names.push(name);
    }
    if let Some((first, _)) = dead.first() {
        let what = format!("dead tasks: {}", shown(&dead, |count| count.to_string()));
        let remedy = format!("steward ls {first} dead; then steward retry, or purge");
        found.push(Finding::warning("dead", what, remedy).about(names_of(&dead)));
    }
    if let Some((first, _)) = late.first() {
        let what = format!("ready tasks wait for too long: {}", shown(&late, |ms| span(ms, 2)));
        let remedy = format!("steward workers {first}: more of them, or what they hang on");
        found.push(Finding::warning("waiting", what, remedy).about(names_of(&late)));
    }
    found.extend(losses(facts));
    found.extend(explained(server, &names)?);
    Ok(found)
}

fn names_of(queues: &[(String, u64)]) -> Vec<String> {
    queues.iter().map(|(name, _)| name.clone()).collect()
}

fn shown(queues: &[(String, u64)], value: impl Fn(u64) -> String) -> String {
    let mut shown: Vec<String> = queues
        .iter()
        .take(NAMED)
        .map(|(name, of)| format!("{name} {}", value(*of)))
        .collect();
    if queues.len() > NAMED {
        shown.push(format!("and {} queues more", queues.len() - NAMED));
    }
    shown.join(", ")
}

fn losses(facts: &Facts) -> Option<Finding> {
    let (lost, claimed) = (
        facts.number("steward_lost_total"),
        facts.number("steward_claimed_total"),
    );
    (lost >= 10 && lost * 100 > claimed).then(|| {
        let what = format!("{lost} of {claimed} claims were lost: their leases ran out, or their workers died");
        Finding::warning(
            "lost",
            what,
            "steward events QUEUE tells which; longer leases, EXTEND, or what the workers die of",
        )
    })
}

/// EXPLAIN of every queue: what is in the way, and not merely still to come.
fn explained(server: &mut Server<'_>, names: &[String]) -> Result<Vec<Finding>, Failure> {
    // Of a user who may not ask, this is left out.
    let Some(first) = names.first() else {
        return Ok(Vec::new());
    };
    if server.link.call(cmd("TASK.EXPLAIN").arg(first), PATIENCE).is_err() {
        let what = "this user may not run TASK.EXPLAIN: what keeps queues was not looked at";
        return Ok(vec![Finding::note(
            "queues",
            what,
            "run this as an operator: docs/reference/acl.md",
        )]);
    }
    // Cause, text, and the queues that it is about.
    let mut seen: Vec<(String, String, Vec<String>)> = Vec::new();
    server.each(
        names,
        |name| cmd("TASK.EXPLAIN").arg(name).to_owned(),
        |name, causes| {
            for cause in Record::all_of(&causes) {
                let word = cause.text("cause").unwrap_or_default();
                let text = cause.text("text").unwrap_or_default();
                // What is so for the whole server is told once.
                let is_of_queue = matches!(&word[..], "members-down" | "paused" | "quiet");
                let (told, about) = if is_of_queue {
                    (format!("queue {name}: {text}"), vec![name.into()])
                } else {
                    (text, Vec::new())
                };
                if !seen.iter().any(|(known, text, _)| (known, text) == (&word, &told)) {
                    seen.push((word, told, about));
                }
            }
            Ok(())
        },
    )?;
    let mut found = Vec::new();
    for (cause, text, about) in seen {
        let finding = match &cause[..] {
            "writes-refused" => Some(Finding::error(
                "writes",
                format!("writes are refused: {text}"),
                "end what the server says; nothing expires or becomes due meanwhile",
            )),
            "memory-full" => Some(Finding::error(
                "memory",
                text,
                "remove what is not needed, or raise maxmemory",
            )),
            "members-down" => Some(Finding::error(
                "workers",
                text,
                "start workers; steward members tells what became of them",
            )),
            "quiet" => Some(Finding::warning(
                "workers",
                text,
                "steward signal SERVICE none MEMBER, when the deploy is over",
            )),
            "paused" => Some(Finding::note("paused", text, "steward resume QUEUE")),
            _ => None,
        };
        found.extend(finding.map(|finding| finding.about(about)));
    }
    Ok(found)
}
