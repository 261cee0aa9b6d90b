//! Requests over HTTP, for `steward web` and `steward metrics`. The server of axum itself waits for ever for a client that
//! says nothing, and takes any number of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of the head of a request.
const HEAD: usize = 64 << 10;
/// Most calls to servers at a time.
const THREADS: usize = 16;
/// After a connection could not be accepted: there are too many open files.
const REST: Duration = Duration::from_millis(100);

/// What clients may use.
pub(crate) struct Bounds {
    /// So many at once; others are closed.
    pub clients: usize,
    /// How long a connection lasts.
    pub longest: Duration,
}

/// Serves what `routes` makes of the address at which it listens.
pub(crate) fn serve(
    listen: SocketAddr,
    bounds: &Bounds,
    routes: impl FnOnce(SocketAddr) -> Result<Router, Failure>,
) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(THREADS)
        .build()
        .map_err(|error| Failure::unavailable(error.to_string()))?;
    runtime.block_on(async {
        let unable = |error: std::io::Error| Failure::unavailable(format!("{listen}: {error}"));
        let listener = TcpListener::bind(listen).await.map_err(unable)?;
        let router = routes(listener.local_addr().map_err(unable)?)?;
        #[cfg(target_os = "linux")]
        crate::notify::ready();
        let places = Arc::new(Semaphore::new(bounds.clients));
        loop {
            let Ok((client, _)) = listener.accept().await else {
                sleep(REST).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                continue;
            };
            let service = TowerToHyperService::new(router.clone());
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(HEAD);
            let connection = timeout(bounds.longest, http.serve_connection(TokioIo::new(client), service));
            tokio::spawn(async move {
                // One that ends in an error, or for its age, is over like any other.
                let _ = connection.await;
                drop(place);
            });
        }
    })
}
