//! The commands that change tasks by their ids, for the verbs and the pages, and how many tasks a reply is about.

use redis::{Cmd, Value, cmd};

use crate::connect::Reply;

/// Dead tasks are tried again.
pub(crate) fn retry(queue: &str, ids: &[String]) -> Vec<Cmd> {
    vec![all("TASK.RETRY", queue, ids)]
}

/// Whoever waits for them is told the reason.
pub(crate) fn cancel(queue: &str, ids: &[String], reason: Option<&str>) -> Vec<Cmd> {
    let mut ids = ids.to_vec();
    // An id of this name is taken for the option, unless it is the first.
    ids.sort_by_key(|id| !id.eq_ignore_ascii_case("REASON"));
    vec![reasoned(all("TASK.CANCEL", queue, &ids), reason)]
}

/// The reason becomes their error.
pub(crate) fn bury(queue: &str, ids: &[String], reason: Option<&str>) -> Vec<Cmd> {
    let one = |id: &String| reasoned(cmd("TASK.BURY").arg(queue).arg(id).to_owned(), reason);
    ids.iter().map(one).collect()
}

/// Claimed tasks are ready for other workers.
pub(crate) fn unclaim(queue: &str, ids: &[String]) -> Vec<Cmd> {
    vec![all("TASK.UNCLAIM", queue, ids)]
}

/// Those in this state are removed.
pub(crate) fn purge(queue: &str, state: &str, ids: &[String]) -> Cmd {
    let mut command = cmd("TASK.PURGE");
    command.arg(queue).arg(state).arg("IDS").arg(ids.len()).arg(ids);
    command
}

/// They are due now.
pub(crate) fn run_now(queue: &str, ids: &[String]) -> Vec<Cmd> {
    let one = |id: &String| cmd("TASK.RESCHEDULE").arg(queue).arg(id).arg("DELAY").arg(0).to_owned();
    ids.iter().map(one).collect()
}

fn all(command: &str, queue: &str, ids: &[String]) -> Cmd {
    cmd(command).arg(queue).arg(ids).to_owned()
}

/// Adds a reason, if there is one, at the end of a command.
pub(super) fn reasoned(mut command: Cmd, reason: Option<&str>) -> Cmd {
    if let Some(reason) = reason {
        command.arg("REASON").arg(reason);
    }
    command
}

/// How many tasks were changed: a number, the one behind a cursor, or OK for one.
pub(crate) fn changed_in(reply: &Reply) -> usize {
    match &reply.0 {
        Value::Okay => 1,
        Value::Array(_) => reply.items().get(1).map_or(0, changed_in),
        _ => reply
            .number()
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0),
    }
}
