//! REPLY: the end of a task becomes a task of another queue. The setting `dead-queue`: so does a copy of each dead task.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::context::Caller;
use crate::error::Result;
use crate::names::Name;
use crate::state::work::{ReplyDue, Told};
use crate::task::events::{self, Event};
use crate::task::handle::Queue;
use crate::task::new_task::NewTask;
use crate::task::options::{self, ReplyArgs};
use crate::tx::Tx;
use crate::waiting::result_wait::TaskEnd;

/// The payload of the task that reports the end of another.
#[derive(Debug, Serialize)]
struct ReplyPayload<'a> {
    id: &'a str,
    state: &'a str,
    /// The result of a task that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Option<String>>,
    /// The last error of one that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Option<String>>,
    /// The encoding of bytes that are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

/// Errors with `BadArg` or `NoPermission` unless the queue given as REPLY is in the same slot and the caller may write
/// to it.
pub(crate) fn ensure_allowed(reply: Option<&ReplyArgs<'_>>, name: &Name, caller: &Caller<'_>) -> Result<()> {
    let Some(reply) = reply else {
        return Ok(());
    };
    caller.ensure_may_write(&name.neighbour("REPLY", reply.queue.as_bytes())?, "REPLY")
}

/// Schedules the task that reports this end. If that fails, an event says so.
pub(crate) fn send(tx: &mut Tx<'_>, reply: &ReplyDue) {
    let Err(error) = schedule(tx, reply) else {
        return;
    };
    let code = error.to_string();
    let code = code.split(' ').next().unwrap_or_default();
    let event = Event {
        kind: "unreplied",
        id: &reply.id,
        worker: "",
        attempt: reply.attempt,
        reason: &format!("{code} {}", reply.to),
        task_kind: "",
    };
    let emitted = Queue::open(tx, reply.name.clone()).and_then(|mut queue| events::emit(&mut queue, &event));
    if emitted.is_err() {
        tx.state.log_skip(&reply.name, "a stream of events of another type");
    }
}

fn schedule(tx: &mut Tx<'_>, reply: &ReplyDue) -> Result<()> {
    let name = reply.name.neighbour("REPLY", reply.to.as_bytes())?;
    let mut queue = Queue::open(tx, name)?;
    let mut task = NewTask::now(&queue.context);
    task.ensure_types(&mut queue)?;
    let id = queue.free_id();
    match &reply.told {
        Told::End(end) => task.add(&mut queue, id, &payload(&reply.id, end), None)?,
        Told::Letter(letter) => {
            let origin = String::from_utf8_lossy(&reply.id).into_owned();
            task.options.origin = Some((reply.name.text().to_string(), origin));
            task.options.kind = letter.kind.as_deref().map(str::to_string);
            task.number_kind(&mut queue)?;
            task.add(&mut queue, id.clone(), &letter.payload, None)?;
            if let Some(error) = &letter.error {
                queue.keys.hset(queue.name.options(&id), &[(options::ERROR, error)])?;
            }
        }
    }
    queue.serve_waiters();
    Ok(())
}

fn payload(id: &[u8], end: &TaskEnd) -> Vec<u8> {
    let mut encoding = None;
    let mut text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => {
            encoding = Some("base64");
            BASE64.encode(bytes)
        }
    };
    let (mut result, mut error) = (None, None);
    if end.state == "done" {
        result = Some(end.result.as_deref().map(&mut text));
    } else {
        error = Some(end.error.as_deref().map(&mut text));
    }
    let id = String::from_utf8_lossy(id);
    let payload = ReplyPayload {
        id: &id,
        state: end.state,
        result,
        error,
        encoding,
    };
    // Text always has a JSON form.
    serde_json::to_vec(&payload).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: &'static str, result: Option<&[u8]>, error: Option<&[u8]>) -> String {
        let end = TaskEnd {
            state,
            result: result.map(Into::into),
            error: error.map(Into::into),
            progress: None,
        };
        String::from_utf8(payload(b"a", &end)).unwrap()
    }

    #[test]
    fn an_end_is_told_in_json() {
        assert_eq!(
            told("done", Some(b"\"4\" 2"), None),
            r#"{"id":"a","state":"done","result":"\"4\" 2"}"#
        );
        assert_eq!(told("done", None, None), r#"{"id":"a","state":"done","result":null}"#);
        assert_eq!(
            told("done", Some(b"\xff\x00"), None),
            r#"{"id":"a","state":"done","result":"/wA=","encoding":"base64"}"#
        );
        assert_eq!(
            told("dead", None, Some(b"no \xfe")),
            r#"{"id":"a","state":"dead","error":"bm8g/g==","encoding":"base64"}"#
        );
        assert_eq!(
            told("cancelled", None, None),
            r#"{"id":"a","state":"cancelled","error":null}"#
        );
    }
}
