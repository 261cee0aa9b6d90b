//! Kill -9 under load: every accepted task is there, and in one place.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Client, Server, Value, places, wait_until};

/// What the clients know when the server dies.
#[derive(Default)]
struct Known {
    accepted: Mutex<BTreeSet<String>>,
    /// Written before the ACK is sent: these may be gone.
    may_be_gone: Mutex<BTreeSet<String>>,
    /// Written after the reply: these must be gone.
    gone: Mutex<BTreeSet<String>>,
    steps: AtomicU64,
}

fn produce(socket: PathBuf, name: String, known: Arc<Known>) {
    let mut client = Client::connect(&socket).unwrap();
    for n in 0.. {
        let id = format!("{name}-{n}");
        let delay = if n % 3 == 0 { " DELAY 3" } else { "" };
        if client
            .try_call(&format!("TASK.SCHEDULE q x ID {id} PRIORITY {}{delay}", n % 4))
            .is_err()
        {
            return;
        }
        known.accepted.lock().unwrap().insert(id);
        known.steps.fetch_add(1, Ordering::Relaxed);
    }
}

fn work(socket: PathBuf, name: String, known: Arc<Known>) {
    let mut client = Client::connect(&socket).unwrap();
    for n in 0.. {
        let Ok(reply) = client.try_call(&format!("TASK.CLAIM q {name} COUNT 2 BLOCK 50 LEASE 20")) else {
            return;
        };
        let Value::Array(tasks) = reply else { continue };
        for (at, task) in tasks.iter().enumerate() {
            let (id, token) = (task.field("id").text(), task.field("token").int());
            let end = match (n + at) % 4 {
                0 => format!("TASK.FAIL q {id} {token} DELAY 2"),
                1 => format!("TASK.RELEASE q {id} {token}"),
                _ => {
                    known.may_be_gone.lock().unwrap().insert(id.clone());
                    format!("TASK.ACK q {id} {token}")
                }
            };
            let Ok(reply) = client.try_call(&end) else { return };
            if reply == "+OK" && end.starts_with("TASK.ACK") {
                known.gone.lock().unwrap().insert(id);
            }
        }
    }
}

#[test]
fn every_accepted_task_that_was_not_acknowledged_is_there_and_none_twice() {
    let mut server = Server::builder().append_always().start();
    server.client().must("TASK.CONFIG SET q attempts 46655 max-lost 1000");
    let known = Arc::new(Known::default());
    for round in 0..3 {
        let start = known.steps.load(Ordering::Relaxed);
        let threads: Vec<_> = (0..3)
            .flat_map(|n| {
                let (socket, name, to) = (server.socket(), format!("p{round}{n}"), known.clone());
                let producer = std::thread::spawn(move || produce(socket, name, to));
                let (socket, name, to) = (server.socket(), format!("w{n}"), known.clone());
                [producer, std::thread::spawn(move || work(socket, name, to))]
            })
            .collect();
        wait_until("there is load", || known.steps.load(Ordering::Relaxed) > start + 1_500);
        server.kill_9();
        for thread in threads {
            thread.join().unwrap();
        }
        server.start_again(&[]);
        let mut client = server.client();
        let there: BTreeSet<String> = places::check(&mut client, "q").into_keys().collect();
        let accepted = known.accepted.lock().unwrap();
        let missing: Vec<&String> = accepted
            .iter()
            .filter(|id| !there.contains(*id) && !known.may_be_gone.lock().unwrap().contains(*id))
            .collect();
        assert_eq!(missing, Vec::<&String>::new(), "accepted, never acknowledged, gone");
        let back: Vec<String> = known.gone.lock().unwrap().intersection(&there).cloned().collect();
        assert_eq!(back, Vec::<String>::new(), "acknowledged, and back");
        assert!(!known.gone.lock().unwrap().is_empty());
    }
}
