//! `steward web`: pages that show what is on the server, and change it.
//!
//! - `site.rs` `guard.rs` `sessions.rs` `login.rs`: who may ask for what
//! - `user.rs` `rights.rs` `streams.rs` `findings.rs`: a Redis user, what it may do, how often it is shown something, and
//!   what is wrong as far as it may know
//! - `page.rs` `visit.rs` `html.rs` `fields.rs` `trouble.rs`: what all pages are made of
//! - `actions.rs` `change.rs` `bulk.rs`: the buttons, and what they do, to one thing or to many
//! - the others: a page each

mod actions;
mod args;
mod bulk;
mod change;
mod charts;
mod cron;
mod dead;
mod doctor;
mod events;
mod fields;
mod findings;
mod guard;
mod history;
mod html;
mod kinds;
mod leads;
mod listing;
mod login;
mod new;
mod overview;
mod page;
mod payload;
mod queue;
mod relations;
mod rights;
mod rule;
mod service;
mod services;
mod sessions;
mod settings;
mod site;
mod streams;
mod task;
mod trouble;
mod user;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};

use crate::args::Common;
use crate::failure::Failure;
use crate::http::{self, Bounds};
use crate::output;
pub(crate) use args::WebArgs;
// What `steward top` shows too.
pub(crate) use listing::Filter;
use page::page;
pub(crate) use services::all as all_services;
use site::Site;
pub(crate) use trouble::if_allowed;
pub(crate) use user::User;

/// Most bytes of a request: a payload of 1 MiB in which every byte is encoded.
const LARGEST: usize = 4 << 20;
/// Most connections: a browser has one for each page that is open, and some more.
const BOUNDS: Bounds = Bounds {
    clients: 1_000,
    longest: Duration::MAX,
};

/// `steward web`.
pub(crate) fn run(common: &Common, args: WebArgs) -> Result<u8, Failure> {
    args.check()?;
    let connector = common.connector()?;
    http::serve(args.listen, &BOUNDS, |address| {
        output::line(format_args!("http://{address}{}/", args.base_path))?;
        Ok(routes(Arc::new(Site::new(connector, args.clone(), address)?)))
    })
}

fn routes(site: Arc<Site>) -> Router {
    let script = include_str!("steward.js");
    let pages: [(&str, MethodRouter<Arc<Site>>); 21] = [
        ("/", page(overview::page)),
        ("/queue", page(queue::page)),
        ("/history", page(history::page)),
        ("/settings", page(settings::page)),
        ("/task", page(task::page)),
        ("/payload", get(payload::raw)),
        ("/dead", page(dead::page)),
        ("/kinds", page(kinds::page)),
        ("/services", page(services::page)),
        ("/service", page(service::page)),
        ("/cron", page(cron::page)),
        ("/events", page(events::page)),
        ("/doctor", page(doctor::page)),
        ("/change", post(change::make)),
        ("/bulk", post(bulk::step)),
        ("/ticked", post(bulk::ticked)),
        ("/new", page(new::page).post(new::put)),
        ("/login", get(login::form).post(login::enter)),
        ("/logout", post(login::leave)),
        (
            "/steward.css",
            asset("text/css; charset=utf-8", include_str!("steward.css")),
        ),
        ("/steward.js", asset("text/javascript; charset=utf-8", script)),
    ];
    let base = site.args.base_path.clone();
    let mut router = Router::new().route(
        &format!("{base}/steward.svg"),
        asset("image/svg+xml", include_str!("steward.svg")),
    );
    for (path, method) in pages {
        router = router.route(&format!("{base}{path}"), method);
    }
    if !base.is_empty() {
        let to = format!("{base}/");
        router = router.route(&base, get(async move || Redirect::permanent(&to)));
    }
    router
        .fallback(page::missing)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(site.clone(), guard::check))
        // Whoever watches this process knows none of its names.
        .route("/healthz", get(async || "ok\n"))
        .with_state(site)
}

/// A file that is part of this program.
fn asset(kind: &'static str, text: &'static str) -> MethodRouter<Arc<Site>> {
    get(async move || {
        (
            [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")],
            text,
        )
    })
}
