//! What the server makes of a definition. It is defined under another name and taken back in one transaction, so it never
//! occurs; thereby its rule is read by the same code and with the same zones as later.

use redis::{Value, cmd};

use super::file::Definition;
use crate::connect::{CallError, PATIENCE, Reply};
use crate::failure::Failure;
use crate::verbs::Server;

/// When it would be next.
pub(super) fn next(server: &mut Server<'_>, queue: &str, definition: &Definition) -> Result<i64, CallError> {
    let name = format!("steward-cron-{}", std::process::id());
    let unrepeat = cmd("TASK.UNREPEAT").arg(queue).arg(&name).to_owned();
    let commands = [definition.repeat(queue, &name), unrepeat, cmd("EXEC")];
    // Alone, as the rest would not wait for an EXEC if it were refused.
    server.link.call(&cmd("MULTI"), PATIENCE)?;
    let replies = server.link.call_all(&commands, PATIENCE)?.into_iter();
    // An error of the definition comes before that of EXEC.
    let replies = replies.collect::<Result<Vec<Reply>, _>>()?;
    match replies.into_iter().next_back().map(|done| done.0) {
        Some(Value::Array(results)) => match results.into_iter().next() {
            Some(Value::Int(at)) => Ok(at),
            Some(Value::ServerError(error)) => Err(CallError::from(redis::RedisError::from(error))),
            _ => Err(CallError::Closed("no moment in the answer".into())),
        },
        _ => Err(CallError::Closed("the transaction was not run".into())),
    }
}

/// The next occurrences, from those that it has on the server if it is there already.
pub(super) fn following(
    server: &mut Server<'_>,
    queue: &str,
    definition: &Definition,
    first: Option<i64>,
    count: usize,
) -> Result<Vec<i64>, CallError> {
    let every = definition
        .rule()
        .strip_prefix("EVERY ")
        .and_then(|ms| ms.parse::<i64>().ok());
    let end = definition
        .fields
        .get("end_at")
        .and_then(|end| str::from_utf8(end).ok()?.parse::<i64>().ok());
    let mut found = Vec::new();
    while found.len() < count {
        let at = match (found.last(), every, first) {
            (None, _, Some(first)) => first,
            (None, _, None) => next(server, queue, definition)?,
            (Some(last), Some(ms), _) => last + ms,
            (Some(last), None, _) if end.is_some_and(|end| *last >= end) => break,
            (Some(last), None, _) => match next(server, queue, &definition.from(last + 1)) {
                Ok(at) => at,
                // None is left before its END.
                Err(error) if error.is("BADARG") => break,
                Err(error) => return Err(error),
            },
        };
        if end.is_some_and(|end| at > end) {
            break;
        }
        found.push(at);
    }
    Ok(found)
}

/// What to say of one that the server refuses.
pub(super) fn refused(server: &Server<'_>, definition: &Definition, error: &CallError) -> Failure {
    let failure = server.connector.failure(error);
    let code = if error.is("BADARG") || error.is("BADNAME") {
        crate::failure::CONFIG
    } else {
        failure.code
    };
    Failure::new(code, format!("{}: {}", definition.place, failure.text))
}
