//! Changes to all tasks that a filter shows, in steps that the server hardly notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use redis::{Cmd, cmd};
use serde_json::json;

use super::change::allowed;
use super::fields::Fields;
use super::html::{hidden, number, plain};
use super::listing::{Filter, exact, first_line};
use super::page::{Form, Page, document, failed, waiting};
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::{CallError, Reply};
use crate::output::record::Record;

/// How long the steps of one request go on.
const STEP: Duration = Duration::from_millis(500);
/// Tasks that a call looks at.
const AT_ONCE: usize = 500;

/// How far it has come.
struct Progress {
    cursor: String,
    done: i64,
    looked_at: i64,
    last_error: Option<String>,
}

pub(super) async fn step(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    let (visit, fields) = match allowed(&site, &uri, &headers, Fields(fields)) {
        Ok(allowed) => allowed,
        Err(response) => return *response,
    };
    let form = Form::wanted(&headers);
    let stepped = {
        let (visit, fields) = (visit.clone(), fields.clone());
        waiting(move || run(&visit, &fields)).await
    };
    let progress = match stepped {
        Ok(progress) => progress,
        Err(trouble) => return failed(&visit, form, &trouble),
    };
    let verb = fields.get("change").unwrap_or_default();
    let error = progress.last_error.as_ref();
    let refused = error.map_or_else(String::new, |error| format!(" Some were not: {error}."));
    let said = format!("{} {}.{refused}", number(progress.done), done(verb));
    if form == Form::Json {
        let (cursor, done) = (&progress.cursor, progress.done);
        return axum::Json(json!({ "cursor": cursor, "done": done, "looked_at": progress.looked_at, "error": error }))
            .into_response();
    }
    if progress.cursor == "0" {
        visit.session.tell(said);
        return Redirect::to(&visit.here).into_response();
    }
    document(&visit, &unfinished(&visit, &fields, &progress, &said)).into_response()
}

/// What shows how far it is, and sends itself again.
fn unfinished(visit: &Visit, fields: &Fields, progress: &Progress, said: &str) -> Page {
    let (count, looked_at) = (progress.done.to_string(), progress.looked_at.to_string());
    let all = fields.get("all").unwrap_or_default();
    let error = progress.last_error.as_deref().unwrap_or_default();
    let again = fields.with(&[
        ("cursor", &progress.cursor),
        ("done", &count),
        ("looked_at", &looked_at),
        ("error", error),
        ("csrf", ""),
        ("back", ""),
    ]);
    let again: Vec<(&str, &str)> = again.0.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    Page {
        title: "Working".into(),
        body: html! {
            h1 { "Working on " (plain(fields.get("queue").unwrap_or_default())) }
            form.card method="post" action=(visit.address("/bulk", &[])) data-next {
                (hidden(visit, &again))
                progress max=(all) value=(looked_at) aria-label="Tasks looked at" {}
                p role="status" { (said) }
                p.row { button { "Go on" } a href=(visit.here) { "Stop here" } }
            }
        },
        json: serde_json::Value::Null,
    }
}

fn run(visit: &Visit, fields: &Fields) -> Result<Progress, Trouble> {
    let filter = Filter::of(fields)?;
    let number = |name| fields.get(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut progress = Progress {
        cursor: fields.get("cursor").unwrap_or("0").into(),
        done: number("done"),
        looked_at: number("looked_at"),
        last_error: fields.get("error").map(str::to_string),
    };
    let (verb, all) = (fields.need("change")?, number("all"));
    let begin = Instant::now();
    loop {
        let listed = visit
            .user()
            .call(&filter.queue, &filter.list(&progress.cursor, AT_ONCE))?;
        let listed = listed.items();
        progress.cursor = listed.first().and_then(Reply::text).unwrap_or_else(|| "0".into());
        let tasks = Record::all_of(listed.get(1).unwrap_or(&Reply(redis::Value::Nil)));
        let is_meant = |task: &&Record| {
            let is = |name, value: &str| fields.get(name).is_none_or(|wanted| wanted == exact(value));
            is("exact_kind", &task.text("kind").unwrap_or_default()) && is("exact_error", &first_line(task))
        };
        let ids: Vec<String> = tasks
            .iter()
            .filter(is_meant)
            .filter_map(|task| task.text("id"))
            .collect();
        progress.looked_at += i64::try_from(AT_ONCE).unwrap_or(0);
        if !ids.is_empty() {
            make(visit, verb, &filter, ids, &mut progress)?;
        }
        // Those that come into this state meanwhile are not meant: tasks may die again as fast as they are retried.
        if all > 0 && progress.looked_at >= all {
            progress.cursor = "0".into();
        }
        if progress.cursor == "0" || begin.elapsed() > STEP {
            return Ok(progress);
        }
    }
}

fn make(visit: &Visit, verb: &str, filter: &Filter, ids: Vec<String>, progress: &mut Progress) -> Result<(), Trouble> {
    for answer in visit.user().change(&filter.queue, &commands(verb, filter, ids)?)? {
        match answer {
            // Its reply is when the task is due.
            Ok(_) if verb == "run" => progress.done += 1,
            Ok(reply) => progress.done += counted(&reply),
            Err(error) if error.is("NOPERM") || visit.user().may_pass(&error) => return Err(error.into()),
            // It has gone, or is in another state now.
            Err(CallError::Server { code, .. }) if code == "NOTASK" => {}
            Err(error) => progress.last_error = Some(error.to_string()),
        }
    }
    Ok(())
}

/// How many tasks a reply is about: those that were removed, behind a cursor; a number; or one.
fn counted(reply: &Reply) -> i64 {
    let count = reply.items().get(1).and_then(Reply::number).or_else(|| match reply.0 {
        redis::Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    });
    count.and_then(|count| i64::try_from(count).ok()).unwrap_or(1)
}

fn commands(verb: &str, filter: &Filter, mut ids: Vec<String>) -> Result<Vec<Cmd>, Trouble> {
    let queue = &filter.queue[..];
    let each = |words: &[&str], end: &[&str]| {
        let one = |id: &String| {
            cmd(words.first().copied().unwrap_or_default())
                .arg(queue)
                .arg(id)
                .arg(end)
                .to_owned()
        };
        ids.iter().map(one).collect()
    };
    let all = match verb {
        "retry" => vec![cmd("TASK.RETRY").arg(queue).arg(ids).to_owned()],
        "cancel" => {
            // An id of this name is taken for an option, unless it is the first.
            ids.sort_by_key(|id| !id.eq_ignore_ascii_case("REASON"));
            vec![cmd("TASK.CANCEL").arg(queue).arg(ids).to_owned()]
        }
        "purge" => {
            let mut purge = cmd("TASK.PURGE");
            purge.arg(queue).arg(&filter.state).arg("IDS").arg(ids.len()).arg(ids);
            vec![purge]
        }
        "unclaim" => vec![cmd("TASK.UNCLAIM").arg(queue).arg(ids).to_owned()],
        "bury" => each(&["TASK.BURY"], &["REASON", "buried by hand"]),
        "run" => each(&["TASK.RESCHEDULE"], &["DELAY", "0"]),
        _ => return Err(Trouble::Wrong(format!("There is no change {verb}."))),
    };
    Ok(all)
}

/// What has become of them.
fn done(verb: &str) -> &'static str {
    match verb {
        "retry" => "tasks are tried again",
        "cancel" => "tasks are cancelled",
        "purge" => "tasks are removed",
        "unclaim" => "tasks are ready for other workers",
        "bury" => "tasks are dead",
        _ => "tasks are due now",
    }
}
