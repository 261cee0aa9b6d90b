//! A new task, from a form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use redis::cmd;
use serde_json::json;

use super::change::{answered, carried_out, once};
use super::fields::Fields;
use super::html::{hidden, plain, to_queue};
use super::page::{Form, Page, document, failed};
use super::rights::Right;
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::args::duration;
use crate::connect::millis;

/// The name of a field, what it is, and an example.
const OPTIONS: [(&str, &str, &str); 4] = [
    ("kind", "Kind", "none"),
    ("delay", "Delay", "15m, 2h: due at once"),
    ("priority", "Priority", "0, most urgent, to 9: 5"),
    ("id", "Id", "a new one"),
];

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let queue = visit.query.need("name")?;
    if !visit.may(queue, Right::Schedule) {
        return Err(Trouble::Refused(format!("No task may be put in {queue} here.")));
    }
    Ok(form(visit, queue, &Fields::default(), None))
}

/// The form, with what was typed in it before and why that was not taken.
fn form(visit: &Visit, queue: &str, typed: &Fields, refused: Option<&str>) -> Page {
    let value = |name| typed.get(name).unwrap_or_default();
    let body = html! {
        h1 { "New task in " (to_queue(visit, queue)) }
        @if let Some(text) = refused { p.card.bad role="alert" { (plain(text)) } }
        form.card.new method="post" action=(visit.address("/new", &[])) {
            (hidden(visit, &[("queue", queue)]))
            label for="payload" { "Payload" }
            // The first end of a line in it is none of the text.
            textarea #payload name="payload" rows="10" spellcheck="false" { "\n" (value("payload")) }
            label.check { input type="checkbox" name="json" value="1" checked[typed.get("json").is_some()]; "Check that it is JSON" }
            div.columns {
                @for (name, label, example) in OPTIONS {
                    label { (label) input name=(name) value=(value(name)) placeholder=(example) autocomplete="off"; }
                }
            }
            button.main { "Add the task" }
        }
    };
    Page {
        title: format!("New task in {queue}"),
        body,
        json: json!({ "queue": queue }),
    }
}

pub(super) async fn put(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    // What was refused is shown in the form, where it can be mended.
    let tried = carried_out(&site, &uri, &headers, Fields(fields), |visit, fields| {
        Ok(schedule(visit, fields))
    });
    let (visit, fields, done) = match tried.await {
        Ok(tried) => tried,
        Err(response) => return *response,
    };
    let queue = fields.get("queue").unwrap_or_default();
    match done {
        Ok(id) => {
            let to = visit.address("/task", &[("queue", queue), ("id", &id)]);
            let json = json!({ "queue": queue, "id": id });
            answered(&visit, &to, &json, format!("{id} is in {queue}"))
        }
        Err(trouble) if visit.form == Form::Json => failed(&visit, &trouble),
        Err(trouble) => {
            let page = form(&visit, queue, &fields, Some(&trouble.text()));
            (trouble.status(), document(&visit, &page)).into_response()
        }
    }
}

/// Puts it in its queue. Its id.
fn schedule(visit: &Visit, fields: &Fields) -> Result<String, Trouble> {
    let queue = fields.need("queue")?;
    // Browsers end the lines of what was typed with both.
    let payload = fields.get("payload").unwrap_or_default().replace("\r\n", "\n");
    if fields.get("json").is_some() {
        serde_json::from_str::<serde::de::IgnoredAny>(&payload)
            .map_err(|error| Trouble::Wrong(format!("The payload is no JSON: {error}")))?;
    }
    let mut command = cmd("TASK.SCHEDULE");
    command.arg(queue).arg(payload);
    for name in ["id", "kind", "priority"] {
        if let Some(value) = fields.get(name) {
            command.arg(name.to_uppercase()).arg(value);
        }
    }
    if let Some(text) = fields.get("delay") {
        let delay = duration(text).map_err(|error| Trouble::Wrong(format!("Delay {text}: {error}")))?;
        command.arg("DELAY").arg(millis(delay));
    }
    let id = once(visit, queue, command)?;
    Ok(id.text().unwrap_or_default())
}

/// The link to the form, for those who may send it.
pub(super) fn link(visit: &Visit, queue: &str) -> Markup {
    html! {
        @if visit.may(queue, Right::Schedule) { (super::html::link(visit, "/new", &[("name", queue)], "New task")) }
    }
}
