//! The changes that buttons make, one at a time. The server decides whether the user may.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use redis::{Cmd, cmd};
use serde_json::{Value as Json, json};

use super::bulk;
use super::fields::Fields;
use super::html::number;
use super::page::{Form, failed, waiting};
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::args::duration;
use crate::connect::{CallError, Reply, millis};

/// A command, the name whose server gets it, and what is said when it is done.
struct Change {
    name: String,
    command: Cmd,
    said: String,
}

pub(super) async fn make(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    match carried_out(&site, &uri, &headers, Fields(fields), run).await {
        Ok((visit, _, said)) => answered(&visit, &visit.here, &json!({ "done": said }), said),
        Err(response) => *response,
    }
}

/// The answer to a change that is done: this JSON, or the way to a page that tells it.
pub(super) fn answered(visit: &Visit, to: &str, json: &Json, said: String) -> Response {
    if visit.form == Form::Json {
        return axum::Json(json).into_response();
    }
    visit.session.tell(said);
    Redirect::to(to).into_response()
}

/// Runs a change that is allowed, where it holds up nobody. Returns also what for.
pub(super) async fn carried_out<T: Send + 'static>(
    site: &Arc<Site>,
    uri: &Uri,
    headers: &HeaderMap,
    fields: Fields,
    run: fn(&Visit, &Fields) -> Result<T, Trouble>,
) -> Result<(Arc<Visit>, Fields, T), Box<Response>> {
    let (visit, fields) = allowed(site, uri, headers, fields)?;
    let asked = (visit.clone(), fields.clone());
    let done = waiting(move || run(&asked.0, &asked.1)).await;
    // It may have mended what was wrong.
    visit.user().findings.forget();
    match done {
        Ok(done) => Ok((visit, fields, done)),
        Err(trouble) => Err(Box::new(failed(&visit, &trouble))),
    }
}

/// A change that was sent by one of our own pages to somebody who is logged in. It leads back to the page it came from.
fn allowed(
    site: &Arc<Site>,
    uri: &Uri,
    headers: &HeaderMap,
    fields: Fields,
) -> Result<(Arc<Visit>, Fields), Box<Response>> {
    let mut visit = site.visit(uri, headers)?;
    visit.here = site.local(fields.get("back"));
    let refused = if fields.get("csrf") != Some(&visit.session.csrf) {
        Some("This form is not of your session: go back, load the page again, and try again.")
    } else if site.args.read_only {
        Some("Nothing is changed here: this was started with --read-only.")
    } else {
        None
    };
    match refused {
        Some(text) => Err(Box::new(failed(&visit, &Trouble::Refused(text.into())))),
        None => Ok((Arc::new(visit), fields)),
    }
}

fn run(visit: &Visit, fields: &Fields) -> Result<String, Trouble> {
    let change = change(fields)?;
    let reply = once(visit, &change.name, change.command)?;
    Ok(told(change.said, &reply))
}

/// Sends the command of a change.
pub(super) fn once(visit: &Visit, name: &str, command: Cmd) -> Result<Reply, Trouble> {
    match visit
        .user()
        .change(name, &[command])
        .map(|answers| answers.into_iter().next())
    {
        Ok(Some(reply)) => Ok(reply?),
        Ok(None) | Err(CallError::Silent | CallError::Closed(_)) => Err(Trouble::Wrong(
            "The connection was lost: nobody knows whether it was done. Look before you try again.".into(),
        )),
        Err(error) => Err(error.into()),
    }
}

/// What was done, or that there was nothing to do it to.
fn told(said: String, reply: &Reply) -> String {
    match reply.number() {
        Some(0) => format!("{said}: it was not there, or not in that state"),
        Some(count) if said.ends_with(':') => format!("{said} {}", number(i64::try_from(count).unwrap_or(i64::MAX))),
        _ => said,
    }
}

fn change(fields: &Fields) -> Result<Change, Trouble> {
    let word = fields.need("change")?;
    if matches!(word, "evict" | "signal") {
        return member(word, fields);
    }
    let queue = fields.need("queue")?;
    let (words, said): (Vec<&str>, String) = match word {
        "pause" => return pause(queue, fields),
        "resume" => (vec!["TASK.RESUME", queue], format!("{queue} goes on")),
        "drop" if fields.get("sure") == Some(queue) => {
            (vec!["TASK.DROP", queue, "FORCE"], format!("{queue} is removed, tasks:"))
        }
        "drop" => return Err(Trouble::Wrong("Type the name of the queue to remove it.".into())),
        "set" => {
            let (setting, value) = (fields.need("setting")?, fields.get("value").unwrap_or_default());
            let said = format!("{setting} of {queue} is now {value}");
            (vec!["TASK.CONFIG", "SET", queue, setting, value], said)
        }
        "trigger" => {
            let name = fields.need("name")?;
            (vec!["TASK.TRIGGER", queue, name], format!("{name} has a task now"))
        }
        "unrepeat" => {
            let name = fields.need("name")?;
            (
                vec!["TASK.UNREPEAT", queue, name],
                format!("{name} does not recur any more"),
            )
        }
        _ => return task(word, queue, fields),
    };
    Ok(Change {
        name: queue.into(),
        command: command(&words),
        said,
    })
}

/// To one task.
fn task(word: &str, queue: &str, fields: &Fields) -> Result<Change, Trouble> {
    let id = fields.need("id")?;
    let (command, done) = match word {
        "edit" => {
            let payload = fields.get("payload").unwrap_or_default();
            let edit = |payload: &str| command(&["TASK.EDIT", queue, id, "PAYLOAD", payload]);
            // Browsers end the lines of what was typed with both.
            let edit = match fields.get("ends") {
                Some("lf") => edit(&payload.replace("\r\n", "\n")),
                _ => edit(payload),
            };
            (Some(edit), "has another payload".into())
        }
        _ => {
            let state = match word {
                "purge" => fields.need("state")?,
                _ => "",
            };
            let commands = bulk::commands(word, queue, state, &[id.to_string()]);
            let done = format!("is {}", bulk::done(word));
            (commands.and_then(|commands| commands.into_iter().next()), done)
        }
    };
    Ok(Change {
        name: queue.into(),
        command: command.ok_or_else(|| Trouble::Wrong(format!("There is no change {word}.")))?,
        said: format!("{id} {done}"),
    })
}

/// To a member, or to all of a service.
fn member(word: &str, fields: &Fields) -> Result<Change, Trouble> {
    let (service, member) = (fields.need("service")?, fields.need("member")?);
    let (words, said) = if word == "evict" {
        let words = vec!["PID.EVICT", service, member, "REASON", "evicted by hand"];
        (words, format!("{member} is evicted"))
    } else {
        let signal = fields.need("signal")?;
        let who = if member == "*" { "all members" } else { member };
        (
            vec!["HB.SIGNAL", service, member, signal],
            format!("{who}: signal {signal}"),
        )
    };
    Ok(Change {
        name: service.into(),
        command: command(&words),
        said,
    })
}

/// For a time, or until somebody ends it.
fn pause(queue: &str, fields: &Fields) -> Result<Change, Trouble> {
    let mut command = command(&["TASK.PAUSE", queue]);
    let said = match fields.get("for") {
        Some(text) => {
            let length = duration(text).map_err(|error| Trouble::Wrong(format!("{text}: {error}")))?;
            command.arg("FOR").arg(millis(length));
            format!("{queue} is paused for {text}")
        }
        None => format!("{queue} is paused"),
    };
    Ok(Change {
        name: queue.into(),
        command,
        said,
    })
}

fn command(words: &[&str]) -> Cmd {
    let mut command = cmd(words.first().copied().unwrap_or_default());
    command.arg(words.get(1..).unwrap_or_default());
    command
}
