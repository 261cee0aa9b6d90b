//! Changes to all tasks that a filter shows, in steps that the server hardly notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use maud::html;
use redis::Cmd;
use serde_json::{Value as Json, json};

use super::change::{answered, carried_out};
use super::fields::Fields;
use super::html::{hidden, number, plain};
use super::listing::{Filter, exact, first_line};
use super::page::{Form, Page, document};
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::connect::{CallError, Reply};
use crate::output::record::Record;
use crate::verbs::by_id;

/// How long the steps of one request go on.
const STEP: Duration = Duration::from_millis(500);
/// Tasks that a call looks at.
const AT_ONCE: usize = 500;

/// How far it has come.
#[derive(Default)]
struct Progress {
    cursor: String,
    done: i64,
    looked_at: i64,
    last_error: Option<String>,
}

impl Progress {
    fn said(&self, fields: &Fields) -> String {
        let error = self.last_error.as_ref();
        let refused = error.map_or_else(String::new, |error| format!(" Some were not: {error}."));
        let count = if self.done == 1 {
            "1 task is".into()
        } else {
            format!("{} tasks are", number(self.done))
        };
        format!("{count} {}.{refused}", done(fields.get("change").unwrap_or_default()))
    }

    fn json(&self) -> Json {
        json!({ "cursor": self.cursor, "done": self.done, "looked_at": self.looked_at, "error": self.last_error })
    }
}

pub(super) async fn step(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    let stepped = carried_out(&site, &uri, &headers, Fields(fields), run).await;
    let (visit, fields, progress) = match stepped {
        Ok(stepped) => stepped,
        Err(response) => return *response,
    };
    if progress.cursor == "0" || visit.form == Form::Json {
        return told(&visit, &fields, &progress);
    }
    document(&visit, &unfinished(&visit, &fields, &progress)).into_response()
}

fn told(visit: &Visit, fields: &Fields, progress: &Progress) -> Response {
    answered(visit, &visit.here, &progress.json(), progress.said(fields))
}

/// What shows how far it is, and sends itself again.
fn unfinished(visit: &Visit, fields: &Fields, progress: &Progress) -> Page {
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
                p role="status" { (progress.said(fields)) }
                p.row { button { "Go on" } a href=(visit.here) { "Stop here" } }
            }
        },
        json: Json::Null,
    }
}

/// The same to those tasks that were ticked, on one page.
pub(super) async fn ticked(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    match carried_out(&site, &uri, &headers, Fields(fields), run_ticked).await {
        Ok((visit, fields, progress)) => told(&visit, &fields, &progress),
        Err(response) => *response,
    }
}

fn run_ticked(visit: &Visit, fields: &Fields) -> Result<Progress, Trouble> {
    let (filter, verb, ids) = (Filter::of(fields)?, fields.need("change")?, fields.all("id"));
    if ids.is_empty() {
        return Err(Trouble::Wrong("No task is ticked.".into()));
    }
    let mut progress = Progress::default();
    for ids in ids.chunks(AT_ONCE) {
        make(visit, verb, &filter, ids, &mut progress)?;
    }
    Ok(progress)
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
        let (cursor, tasks) = listed
            .into_page()
            .unwrap_or_else(|| ("0".into(), Reply(redis::Value::Nil)));
        progress.cursor = cursor;
        let tasks = Record::all_of(&tasks);
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
            make(visit, verb, &filter, &ids, &mut progress)?;
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

fn make(visit: &Visit, verb: &str, filter: &Filter, ids: &[String], progress: &mut Progress) -> Result<(), Trouble> {
    let commands = commands(verb, &filter.queue, &filter.state, ids)
        .ok_or_else(|| Trouble::Wrong(format!("There is no change {verb}.")))?;
    for answer in visit.user().change(&filter.queue, &commands)? {
        match answer {
            // Its reply is when the task is due.
            Ok(_) if verb == "run" => progress.done += 1,
            Ok(reply) => progress.done += i64::try_from(by_id::changed_in(&reply)).unwrap_or(i64::MAX),
            Err(error) if error.is("NOPERM") || visit.user().may_pass(&error) => return Err(error.into()),
            // It has gone, or is in another state now.
            Err(CallError::Server { code, .. }) if code == "NOTASK" => {}
            Err(error) => progress.last_error = Some(error.to_string()),
        }
    }
    Ok(())
}

/// The commands of a change that is also a button of one task.
pub(super) fn commands(verb: &str, queue: &str, state: &str, ids: &[String]) -> Option<Vec<Cmd>> {
    Some(match verb {
        "retry" => by_id::retry(queue, ids),
        "cancel" => by_id::cancel(queue, ids, None),
        "purge" => vec![by_id::purge(queue, state, ids)],
        "unclaim" => by_id::unclaim(queue, ids),
        "bury" => by_id::bury(queue, ids, Some("buried by hand")),
        "run" => by_id::run_now(queue, ids),
        _ => return None,
    })
}

/// What has become of them.
pub(super) fn done(verb: &str) -> &'static str {
    match verb {
        "retry" => "tried again",
        "cancel" => "cancelled",
        "purge" => "removed",
        "unclaim" => "ready for another worker",
        "bury" => "dead",
        _ => "due now",
    }
}
