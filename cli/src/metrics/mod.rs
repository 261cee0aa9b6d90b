//! `steward metrics`: what the server counts, for Prometheus and others that read OpenMetrics.

mod collect;
mod families;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use crate::args::Output;
use crate::connect::Connector;
use crate::failure::{Failure, say};
use crate::output::raw;
use crate::verbs::Server;
use families::{Format, Places, Samples};

/// How long a client may take to say what it wants, and to take it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of a request.
const REQUEST: u64 = 16 << 10;
/// Most clients at once; others are closed.
const CLIENTS: usize = 16;

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
    #[arg(long, conflicts_with = "listen")]
    pub once: bool,
    /// Their form with --once
    #[arg(long, value_enum, default_value = "openmetrics", requires = "once")]
    pub format: Format,
}

pub(crate) fn run(connector: &Connector, args: &MetricsArgs) -> Result<u8, Failure> {
    if args.once {
        let samples = scrape(connector, &mut Places::default())?;
        raw(samples.text(args.format).as_bytes())?;
        return Ok(0);
    }
    let listener = TcpListener::bind(args.listen);
    let listener = listener.map_err(|error| Failure::unavailable(format!("{}: {error}", args.listen)))?;
    let shown = listener
        .local_addr()
        .map_or_else(|_| args.listen.to_string(), |address| address.to_string());
    say(format_args!("metrics at http://{shown}/metrics"));
    #[cfg(target_os = "linux")]
    crate::notify::ready();
    let shared = Arc::new((connector.clone(), Mutex::new(Places::default())));
    for client in listener.incoming().flatten() {
        let shared = shared.clone();
        // The two that the loop and the next one hold are no clients.
        if Arc::strong_count(&shared) <= CLIENTS + 2 {
            std::thread::spawn(move || serve(client, &shared.0, &shared.1));
        }
    }
    Ok(0)
}

fn scrape(connector: &Connector, places: &mut Places) -> Result<Samples, Failure> {
    let begun = Instant::now();
    let mut samples = Samples::default();
    for mut server in Server::all(connector, Output::Text)? {
        collect::collect(&mut server, &mut samples)?;
    }
    samples.add(collect::UP, Vec::new(), 1.0);
    samples.add(collect::SCRAPE, Vec::new(), begun.elapsed().as_secs_f64());
    samples.bound(places);
    Ok(samples)
}

/// Answers one request.
fn serve(mut client: TcpStream, connector: &Connector, places: &Mutex<Places>) {
    let timeouts = client
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| client.set_write_timeout(Some(PATIENCE)));
    let Some((path, wants_openmetrics)) = timeouts.ok().and_then(|()| request(&client)) else {
        return;
    };
    let (status, kind, body) = match &path[..] {
        "/metrics" => {
            let scraped = scrape(connector, &mut places.lock().unwrap_or_else(PoisonError::into_inner));
            let samples = scraped.unwrap_or_else(|failure| {
                say(&failure);
                let mut samples = Samples::default();
                samples.add(collect::UP, Vec::new(), 0.0);
                samples
            });
            if wants_openmetrics {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ("200 OK", kind, samples.text(Format::Openmetrics))
            } else {
                (
                    "200 OK",
                    "text/plain; version=0.0.4; charset=utf-8",
                    samples.text(Format::Prometheus),
                )
            }
        }
        "/" => ("200 OK", "text/plain", "steward metrics: see /metrics\n".into()),
        _ => ("404 Not Found", "text/plain", "see /metrics\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone wants no answer.
    let _ = client
        .write_all(head.as_bytes())
        .and_then(|()| client.write_all(body.as_bytes()));
}

/// The path of a GET, and whether OpenMetrics is accepted.
fn request(client: &TcpStream) -> Option<(String, bool)> {
    let mut lines = BufReader::new(client.take(REQUEST)).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let path = (words.next() == Some("GET"))
        .then(|| words.next())
        .flatten()?
        .to_string();
    let mut wants_openmetrics = false;
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let line = line.to_lowercase();
        wants_openmetrics |= line.starts_with("accept:") && line.contains("application/openmetrics-text");
    }
    let path = path.split('?').next().unwrap_or_default().to_string();
    Some((path, wants_openmetrics))
}
