//! A network between a client and a server that is slow, loses a reply, and breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long each piece takes in each direction.
const LATENCY: Duration = Duration::from_millis(5);

/// A port that leads to a server.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    ended: AtomicBool,
    accepted: AtomicUsize,
    /// A word of a command, and one of the reply to it that is to be lost.
    losing: Mutex<Option<(String, String)>>,
}

impl Proxy {
    /// Leads to this port, also after a restart of the server that listens there.
    pub(crate) fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                // Without a server the client's connection is closed at once.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                    join(client, server, &shared);
                }
            }
        });
        Proxy { port, state }
    }

    /// The port for clients.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections clients have made.
    pub(crate) fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// Loses the next reply with this word to a command with that one, and breaks its connection.
    pub(crate) fn lose(&self, command: &str, reply: &str) {
        *self.state.losing.lock().unwrap() = Some((command.into(), reply.into()));
    }

    /// Whether that reply has been lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.state.losing.lock().unwrap().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Copies in both directions until either side closes.
fn join(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let last = Arc::new(Mutex::new(Vec::new()));
    let (from, to, sent) = (
        client.try_clone().unwrap(),
        server.try_clone().unwrap(),
        Arc::clone(&last),
    );
    thread::spawn(move || {
        copy(from, to, |piece| {
            *sent.lock().unwrap() = piece.to_vec();
            true
        });
    });
    let state = Arc::clone(state);
    thread::spawn(move || {
        copy(server, client, |piece| {
            let mut losing = state.losing.lock().unwrap();
            let is_it = losing
                .as_ref()
                .is_some_and(|(command, reply)| contains(&last.lock().unwrap(), command) && contains(piece, reply));
            if is_it {
                *losing = None;
            }
            !is_it
        });
    });
}

/// Copies piece by piece as long as `goes_on`, then breaks both connections.
fn copy(mut from: TcpStream, mut to: TcpStream, mut goes_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        thread::sleep(LATENCY);
        if !goes_on(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
