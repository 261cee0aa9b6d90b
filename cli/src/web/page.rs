//! A page in its three forms: HTML for people, JSON for programs, and a stream of HTML as it changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;

use super::fields::Fields;
use super::site::Site;
use super::trouble::Trouble;
use super::visit::Visit;
use super::{guard, html as parts, streams};
use crate::watch;

/// What is on a page. The parts of `body` with `data-live` are replaced as they change.
pub(super) struct Page {
    pub title: String,
    pub body: Markup,
    pub json: Json,
}

/// Makes a page. It waits for the server, so it is called where that holds up nobody.
pub(super) type Render = fn(&Visit) -> Result<Page, Trouble>;

const PAGES: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/dead", "Dead"),
    ("/kinds", "Kinds"),
    ("/services", "Services"),
    ("/cron", "Cron"),
    ("/events", "Events"),
    ("/doctor", "Doctor"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Json,
    Stream,
}

impl Form {
    pub(super) fn wanted(headers: &HeaderMap) -> Form {
        let accept = guard::text(headers, &header::ACCEPT).unwrap_or_default();
        if accept.starts_with("text/event-stream") {
            Form::Stream
        } else if accept.starts_with("application/json") {
            Form::Json
        } else {
            Form::Html
        }
    }
}

pub(super) fn page(render: Render) -> MethodRouter<Arc<Site>> {
    get(
        async move |State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap| {
            let visit = match site.visit(&uri, &headers) {
                Ok(visit) => Arc::new(visit),
                Err(response) => return *response,
            };
            match visit.form {
                Form::Stream => stream(visit, render, headers),
                _ => shown(&visit, rendered(&visit, render).await),
            }
        },
    )
}

/// The answer to all other addresses.
pub(super) async fn missing(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    match site.visit(&uri, &headers) {
        Ok(visit) => failed(&visit, &Trouble::Missing("There is no such page.".into())),
        Err(response) => *response,
    }
}

/// Renders a page in a thread of its own.
async fn rendered(visit: &Arc<Visit>, render: Render) -> Result<Page, Trouble> {
    let visit = visit.clone();
    waiting(move || render(&visit)).await
}

/// Does what waits for the server.
pub(super) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Trouble::Wrong("This page cannot be shown.".into())))
}

fn shown(visit: &Visit, page: Result<Page, Trouble>) -> Response {
    match (visit.form, page) {
        (Form::Json, Ok(page)) => axum::Json(page.json).into_response(),
        (_, Ok(page)) => document(visit, &page).into_response(),
        (_, Err(trouble)) => failed(visit, &trouble),
    }
}

/// Says what went wrong. One whose password does not hold any more is asked again.
pub(super) fn failed(visit: &Visit, trouble: &Trouble) -> Response {
    let status = trouble.status();
    if status == StatusCode::UNAUTHORIZED && visit.form == Form::Html && !visit.site.args.no_login {
        return Redirect::to(&visit.address("/login", &[("next", &visit.here)])).into_response();
    }
    if visit.form == Form::Json {
        return (status, axum::Json(json!({ "error": trouble.text() }))).into_response();
    }
    let title = match status {
        StatusCode::NOT_FOUND => "Not there",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "No answer",
        _ => "Not done",
    };
    let page = Page {
        title: title.into(),
        body: html! {
            h1 { (title) }
            p.card.bad { (parts::plain(&trouble.text())) }
        },
        json: Json::Null,
    };
    (status, document(visit, &page)).into_response()
}

/// Sends the page again whenever it has changed, as long as somebody reads and is logged in.
fn stream(visit: Arc<Visit>, render: Render, headers: HeaderMap) -> Response {
    let places = match streams::places(&visit.site.streams, &visit.user().streams) {
        Ok(places) => places,
        Err(response) => return *response,
    };
    let (sender, receiver) = channel(1);
    tokio::spawn(async move {
        feed(visit, render, headers, sender).await;
        drop(places);
    });
    Sse::new(ReceiverStream::new(receiver))
        .keep_alive(KeepAlive::default())
        .into_response()
}

async fn feed(visit: Arc<Visit>, render: Render, headers: HeaderMap, sender: Sender<Result<Event, Infallible>>) {
    let mut last = String::new();
    while visit.site.is_open(&headers) {
        let begin = Instant::now();
        let (name, text) = match rendered(&visit, render).await {
            Ok(page) => ("page", page.body.into_string()),
            Err(trouble) => ("trouble", trouble.text()),
        };
        let rest = watch::rest(begin.elapsed());
        if text != last {
            // As JSON it is one line, whatever is in it.
            let event = Event::default().event(name).data(json!(text).to_string());
            if sender.send(Ok(event)).await.is_err() {
                return;
            }
            last = text;
        }
        if tokio::time::timeout(rest, sender.closed()).await.is_ok() {
            return;
        }
    }
}

pub(super) fn document(visit: &Visit, page: &Page) -> Markup {
    let site = &visit.site;
    let here = visit.here.split('?').next().unwrap_or_default();
    let name = visit.user().name();
    frame(
        site,
        &page.title,
        html! {
            nav aria-label="Pages" {
                a.brand href=(visit.address("/", &[])) { "steward" }
                @for (path, label) in PAGES {
                    @let address = visit.address(path, &[]);
                    a href=(address) aria-current=[(address == here).then_some("page")] { (label) }
                }
                span.end {
                    @if site.args.read_only { span.badge { "read-only" } }
                    span.live hidden title="This page follows the server" { "live" }
                    span.user title="The Redis user that all of this is seen as" { (parts::plain(name)) }
                    @if !site.args.no_login {
                        form method="post" action=(visit.address("/logout", &[])) {
                            input type="hidden" name="csrf" value=(visit.session.csrf);
                            button.quiet { "Log out" }
                        }
                    }
                }
            }
            main #main data-stream=(visit.here) {
                @if let Some(notice) = visit.session.told() {
                    p.notice role="status" { (parts::plain(&notice)) }
                }
                p #trouble .card.bad role="alert" hidden {}
                (page.body)
            }
        },
    )
}

/// The document around a page.
pub(super) fn frame(site: &Site, title: &str, body: Markup) -> Markup {
    let asset = |path: &str| site.address(path, &Fields::default());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (parts::plain(title)) " · steward" }
                link rel="stylesheet" href=(asset("/steward.css"));
                link rel="icon" type="image/svg+xml" href=(asset("/steward.svg"));
                script src=(asset("/steward.js")) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the page" }
                (body)
            }
        }
    }
}
