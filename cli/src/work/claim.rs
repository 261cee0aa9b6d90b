//! One claim, the claims that we have, and the thread that asks for more.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::cmd;

use super::envelope::{self, Trace};
use super::{Event, Note, Shared};
use crate::connect::{CallError, Link, PATIENCE, Pause, Reply};
use crate::guardian::clock::Moment;

/// How long one call waits for work, and so the longest time until SIGTERM is obeyed.
const BLOCK: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A claimed task.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub queue: String,
    pub id: String,
    pub token: u64,
    pub attempt: u64,
    pub deliveries: u64,
    pub kind: String,
    pub payload: Vec<u8>,
    /// The trace that it belongs to, if its payload has said so.
    pub trace: Trace,
}

impl Claim {
    fn of(reply: &Reply) -> Option<Claim> {
        let fields = reply.fields();
        let text = |name: &str| fields.get(name).and_then(Reply::text);
        let number = |name: &str| fields.get(name).and_then(Reply::number);
        Some(Claim {
            queue: text("queue")?,
            id: text("id")?,
            token: number("token")?,
            attempt: number("attempt")?,
            deliveries: number("deliveries")?,
            kind: text("kind").unwrap_or_default(),
            payload: fields.get("payload")?.bytes()?.to_vec(),
            trace: Vec::new(),
        })
    }

    /// The same with the data in place of its envelope.
    fn opened(mut self) -> Claim {
        (self.payload, self.trace) = envelope::open(self.payload);
        self
    }

    /// What a program finds in its environment.
    pub(super) fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("QUEUE", self.queue.clone()),
            ("ID", self.id.clone()),
            ("TOKEN", self.token.to_string()),
            ("ATTEMPT", self.attempt.to_string()),
            ("DELIVERIES", self.deliveries.to_string()),
            ("KIND", self.kind.clone()),
        ]
    }
}

/// The claims that are to be kept alive.
#[derive(Default)]
pub(super) struct Board {
    claims: Mutex<HashMap<u64, Posted>>,
}

/// A claim on the board, and whom to tell what becomes of it.
#[derive(Clone)]
pub(super) struct Posted {
    pub queue: String,
    pub id: String,
    pub token: u64,
    pub note: Sender<Note>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Posted>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tokens are those of one server, each given once.
    pub(super) fn add(&self, claim: &Claim, note: Sender<Note>) {
        let posted = Posted {
            queue: claim.queue.clone(),
            id: claim.id.clone(),
            token: claim.token,
            note,
        };
        self.lock().insert(claim.token, posted);
    }

    pub(super) fn remove(&self, claim: &Claim) {
        self.lock().remove(&claim.token);
    }

    pub(super) fn all(&self) -> Vec<Posted> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn tell(&self, note: impl Fn() -> Note) {
        self.lock().values().for_each(|posted| {
            let _ = posted.note.send(note());
        });
    }
}

/// Claims one task for each permit, until there is nobody to give any.
pub(super) fn claim_all(shared: &Arc<Shared>, permits: &Receiver<()>, events: &Sender<Event>) {
    let mut link: Option<Link> = None;
    let mut pause = Pause::new(LONGEST_PAUSE);
    let mut free = 0;
    while let Some(more) = wait_for(permits, free) {
        free += more;
        let sent = Moment::now();
        match claim(shared, &mut link, free) {
            Ok(claims) => {
                free -= claims.len().min(free);
                pause = Pause::new(LONGEST_PAUSE);
                for claim in claims {
                    let claim = if shared.args.raw { claim } else { claim.opened() };
                    let _ = events.send(Event::Claimed(claim, sent));
                }
            }
            Err(error) if !shared.connector.may_pass(&error) => {
                let _ = events.send(Event::Refused(shared.connector.failure(&error)));
                break;
            }
            Err(_) => {
                link = None;
                pause.sleep();
            }
        }
    }
    let _ = events.send(Event::NoMoreClaims);
}

/// The permits that have come; waits for one if there are none. None when there will be no more.
fn wait_for(permits: &Receiver<()>, free: usize) -> Option<usize> {
    let mut more = 0;
    if free == 0 {
        permits.recv().ok()?;
        more = 1;
    }
    loop {
        match permits.try_recv() {
            Ok(()) => more += 1,
            Err(TryRecvError::Empty) => return Some(more),
            Err(TryRecvError::Disconnected) => return None,
        }
    }
}

fn claim(shared: &Shared, link: &mut Option<Link>, count: usize) -> Result<Vec<Claim>, CallError> {
    let queues = &shared.args.queues;
    let link = match link {
        Some(link) => link,
        None => link.insert(shared.connector.open(shared.first_queue(), PATIENCE)?),
    };
    let mut command = cmd("TASK.MCLAIM");
    command.arg(queues.len()).arg(queues).arg(&shared.worker);
    command.arg("COUNT").arg(count);
    command.arg("LEASE").arg(crate::connect::millis(shared.args.ttl));
    command.arg("BLOCK").arg(crate::connect::millis(BLOCK)).arg("FULL");
    let reply = link.call(&command, BLOCK + PATIENCE)?;
    Ok(reply.items().iter().filter_map(Claim::of).collect())
}
