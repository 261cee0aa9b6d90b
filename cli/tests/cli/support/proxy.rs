//! A network that can be cut: it accepts connections and is silent, and delivers what was sent when it is whole again.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// New connections are accepted, and are silent.
    is_deaf: AtomicBool,
    is_cut: AtomicBool,
    /// What servers send is held back.
    is_mute: AtomicBool,
    /// A word of a command whose next reply is lost.
    losing: Mutex<Option<String>>,
    is_over: AtomicBool,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            let mut silent = Vec::new();
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is_over.load(Ordering::SeqCst) {
                    return;
                }
                if shared.is_deaf.load(Ordering::SeqCst) {
                    silent.push(client);
                    continue;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                    let loses = Arc::new(AtomicBool::new(false));
                    for (from, to, is_reply) in [(&client, &server, false), (&server, &client, true)] {
                        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                        let (state, loses) = (Arc::clone(&shared), Arc::clone(&loses));
                        thread::spawn(move || copy(from, to, &state, is_reply, &loses));
                    }
                }
            }
        });
        Proxy { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on nothing passes.
    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
    }

    /// From now on what clients send arrives, and nothing comes back.
    pub(crate) fn cut_replies(&self) {
        self.state.is_mute.store(true, Ordering::SeqCst);
    }

    /// From now on new connections are accepted and lead nowhere.
    pub(crate) fn lead_nowhere(&self) {
        self.state.is_deaf.store(true, Ordering::SeqCst);
    }

    /// Loses the next reply to a command with this word, and closes its connection.
    pub(crate) fn lose_reply(&self, word: &str) {
        *self.state.losing.lock().unwrap() = Some(word.into());
    }

    /// Whether it has been lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.state.losing.lock().unwrap().is_none()
    }

    /// What was sent meanwhile arrives.
    pub(crate) fn mend(&self) {
        self.state.is_deaf.store(false, Ordering::SeqCst);
        self.state.is_mute.store(false, Ordering::SeqCst);
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl State {
    /// Whether nothing passes in this direction.
    fn holds(&self, is_reply: bool) -> bool {
        self.is_cut.load(Ordering::SeqCst) || is_reply && self.is_mute.load(Ordering::SeqCst)
    }

    /// Whether this piece is not the reply to lose.
    fn passes(&self, piece: &[u8], is_reply: bool, loses: &AtomicBool) -> bool {
        if is_reply {
            return !loses.load(Ordering::SeqCst);
        }
        let mut losing = self.losing.lock().unwrap();
        let has = |word: &String| piece.windows(word.len()).any(|window| window == word.as_bytes());
        if losing.as_ref().is_some_and(has) {
            *losing = None;
            loses.store(true, Ordering::SeqCst);
        }
        true
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, state: &State, is_reply: bool, loses: &AtomicBool) {
    from.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut buffer = [0; 65_536];
    while !state.is_over.load(Ordering::SeqCst) {
        if state.holds(is_reply) {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                // Cut between reading and writing: it is still under way.
                while state.holds(is_reply) && !state.is_over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
                if !state.passes(&buffer[..length], is_reply, loses) || to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
