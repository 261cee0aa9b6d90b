//! Logging in with a Redis user, and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::fields::Fields;
use super::page::{frame, waiting};
use super::site::Site;
use super::trouble::Trouble;
use crate::connect::{CallError, Connector, PATIENCE};

pub(super) async fn form(State(site): State<Arc<Site>>, uri: Uri) -> Response {
    let query = Site::query(&uri);
    (shown(&site, query.get("next"), None)).into_response()
}

fn shown(site: &Site, next: Option<&str>, error: Option<&str>) -> Markup {
    let action = site.address("/login", &Fields::default());
    frame(
        site,
        "Log in",
        html! {
            main #main .login {
                h1 { "steward" }
                form.card method="post" action=(action) {
                    @if let Some(error) = error { p.bad role="alert" { (error) } }
                    label { "Redis user" input name="user" value="default" autocomplete="username" required; }
                    label { "Password" input name="password" type="password" autocomplete="current-password" autofocus; }
                    @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                    button.main { "Log in" }
                }
                p.hint {
                    "What this user may see and change on the server, it may see and change here. A server without users has "
                    "default, and no password."
                }
            }
        },
    )
}

pub(super) async fn enter(
    State(site): State<Arc<Site>>,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    let fields = Fields(fields);
    let refused =
        |status: StatusCode, text: &str| (status, shown(&site, fields.get("next"), Some(text))).into_response();
    if !site.sessions.may_try() {
        let said = "Too many logins have failed: try again in a minute.";
        return refused(StatusCode::TOO_MANY_REQUESTS, said);
    }
    let password = fields.get("password").unwrap_or_default();
    let connector = site
        .connector
        .for_user(fields.get("user").unwrap_or("default"), password);
    let tried = {
        let connector = connector.clone();
        waiting(move || try_out(&connector)).await
    };
    let unanswered = |trouble: Trouble| refused(trouble.status(), &trouble.text());
    match tried {
        Err(Trouble::Call(CallError::Server { code, .. })) if matches!(&code[..], "WRONGPASS" | "NOAUTH") => refused(
            StatusCode::UNAUTHORIZED,
            "The server knows no such user with this password.",
        ),
        Err(trouble) => {
            site.sessions.succeeded();
            unanswered(trouble)
        }
        Ok(()) => {
            site.sessions.succeeded();
            let Some(id) = site.sessions.begin(site.sessions.user(connector)) else {
                return refused(StatusCode::INTERNAL_SERVER_ERROR, "The system gives no random bits.");
            };
            let next = site.local(fields.get("next"));
            (
                AppendHeaders([(header::SET_COOKIE, site.cookie(&id))]),
                Redirect::to(&next),
            )
                .into_response()
        }
    }
}

/// Whether the server takes this user, and has a module of our version.
fn try_out(connector: &Connector) -> Result<(), Trouble> {
    connector.open("", PATIENCE)?;
    connector.open_first("").map(drop).map_err(Trouble::Unfit)
}

pub(super) async fn leave(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> Response {
    let csrf = Fields(fields);
    if let Some((id, session)) = site.session(&headers, true)
        && csrf.get("csrf") == Some(&session.csrf)
    {
        site.sessions.end(&id);
    }
    Redirect::to(&site.address("/login", &Fields::default())).into_response()
}
