//! `steward metrics`: what the server counts, for Prometheus and others that read OpenMetrics.

mod collect;
mod families;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use tokio::task::spawn_blocking;

use crate::args::Output;
use crate::connect::Connector;
use crate::failure::{Failure, say};
use crate::http::{self, Bounds};
use crate::output::raw;
use crate::verbs::Server;
use families::{Format, Places, Samples};

/// Each client wants one answer, and takes it.
const BOUNDS: Bounds = Bounds {
    clients: 16,
    longest: Duration::from_secs(60),
};

#[derive(Args)]
pub(crate) struct MetricsArgs {
    /// Serve them at this address, under /metrics
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "STEWARD_LISTEN",
        default_value = "127.0.0.1:9464"
    )]
    pub listen: SocketAddr,
    /// Print them once, and end
    #[arg(long)]
    pub once: bool,
    /// Their form with --once
    #[arg(long, value_enum, default_value = "openmetrics", requires = "once")]
    pub format: Format,
}

pub(crate) fn run(connector: &Connector, args: &MetricsArgs) -> Result<u8, Failure> {
    if args.once {
        let samples = scrape(connector, &Mutex::default())?;
        raw(samples.text(args.format).as_bytes())?;
        return Ok(0);
    }
    http::serve(args.listen, &BOUNDS, |address| {
        say(format_args!("metrics at http://{address}/metrics"));
        let shared = Arc::new((connector.clone(), Mutex::new(Places::default())));
        Ok(Router::new()
            .route("/metrics", get(answer))
            .route("/", get(async || "steward metrics: see /metrics\n"))
            .fallback(async || (StatusCode::NOT_FOUND, "see /metrics\n"))
            .with_state(shared))
    })
}

fn scrape(connector: &Connector, places: &Mutex<Places>) -> Result<Samples, Failure> {
    let begun = Instant::now();
    let mut samples = Samples::default();
    for mut server in Server::all(connector, Output::Text)? {
        collect::collect(&mut server, &mut samples)?;
    }
    samples.add(collect::UP, Vec::new(), 1.0);
    samples.add(collect::SCRAPE, Vec::new(), begun.elapsed().as_secs_f64());
    samples.bound(&mut places.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(samples)
}

/// Who is asked, and which label sets have a place.
type Shared = Arc<(Connector, Mutex<Places>)>;

/// Answers one request. Asking the server holds up nobody.
async fn answer(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = if accepted.any(|value| value.contains("application/openmetrics-text")) {
        Format::Openmetrics
    } else {
        Format::Prometheus
    };
    let text = spawn_blocking(move || {
        let (connector, places) = &*shared;
        let samples = scrape(connector, places).unwrap_or_else(|failure| {
            say(&failure);
            let mut samples = Samples::default();
            samples.add(collect::UP, Vec::new(), 0.0);
            samples
        });
        samples.text(format)
    });
    match text.await {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
