//! The thread that shows the server that we are alive, on a connection of its own: keeps the memberships and the claims,
//! and hears which of them are over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use redis::cmd;

use super::claim::Posted;
use super::{Event, Note, Shared};
use crate::connect::member::{Member, Registered};
use crate::connect::{CallError, Link, PATIENCE, Pause, Reply};
use crate::failure::say;
use crate::guardian::clock::Moment;
use crate::process::Process;

/// The time between two looks at the claims: so soon a program learns that its task was cancelled.
const STEP: Duration = Duration::from_millis(300);
/// The longest pause between two attempts to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Claims in one call.
const MOST: usize = 1_000;

/// We as members of the services that the queues follow.
fn members(shared: &Shared, link: &mut Link, process: &Process) -> Result<Vec<Member>, CallError> {
    let mut services: Vec<String> = Vec::new();
    for queue in &shared.args.queues {
        let asked = link.call(cmd("TASK.CONFIG").arg("GET").arg(queue).arg("service"), PATIENCE);
        let service = match asked {
            Ok(reply) => reply.items().get(1).and_then(Reply::text),
            // Users of workers may not ask; then the queue is to follow the service of its own name, as most do.
            Err(error) if error.is("NOPERM") => None,
            Err(error) => return Err(error),
        };
        let service = service.unwrap_or_else(|| queue.clone());
        if !services.contains(&service) {
            services.push(service);
        }
    }
    let member = |service| Member {
        service,
        name: shared.worker.clone(),
        ttl: shared.args.ttl,
        grace: shared.grace(),
        token: None,
        process: process.clone(),
        meta: None,
    };
    Ok(services.into_iter().map(member).collect())
}

pub(super) struct Beats {
    pub shared: Arc<Shared>,
    pub process: Process,
    /// One for each service that the queues follow; none before the server has told them.
    pub members: Vec<Member>,
    pub events: Sender<Event>,
    /// Closed when it is time to leave.
    pub stop: Receiver<()>,
}

/// It is time to leave.
struct Over;

impl Beats {
    pub(super) fn run(mut self) {
        let mut pause = Pause::new(LONGEST_PAUSE);
        let mut is_told = false;
        loop {
            let mut link = match self.open() {
                Ok(link) => link,
                Err(error) => {
                    if self.on(&error) || self.is_over() {
                        break;
                    }
                    pause.sleep();
                    continue;
                }
            };
            if !is_told {
                let _ = self.events.send(Event::Registered);
                is_told = true;
            }
            pause = Pause::new(LONGEST_PAUSE);
            match self.keep(&mut link) {
                Ok(Over) => {
                    for member in &self.members {
                        let _ = member.deregister(&mut link, PATIENCE);
                    }
                    break;
                }
                Err(error) if self.on(&error) => break,
                Err(_) => {}
            }
        }
        let _ = self.events.send(Event::Left);
    }

    /// Tells what an error means; whether it is for good.
    fn on(&mut self, error: &CallError) -> bool {
        if error.is("NOMEMBER") || error.is("FENCED") {
            self.members.iter_mut().for_each(|member| member.token = None);
            return false;
        }
        if !self.shared.connector.may_pass(error) {
            let _ = self.events.send(Event::Refused(self.shared.connector.failure(error)));
            return true;
        }
        match error {
            // It runs, and counts our grace from now on.
            CallError::Closed(_) => self.shared.board.tell(|| Note::Closed(Moment::now())),
            // It gives everybody their time again.
            CallError::Server { .. } | CallError::Refused(_) => self.shared.board.tell(|| Note::Away),
            CallError::Silent => {}
        }
        false
    }

    fn is_over(&self) -> bool {
        !matches!(self.stop.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout))
    }

    /// A connection to which all memberships are bound.
    fn open(&mut self) -> Result<Link, CallError> {
        let mut link = self.shared.connector.open(self.shared.first_queue(), PATIENCE)?;
        if self.members.is_empty() {
            self.members = members(&self.shared, &mut link, &self.process)?;
        }
        for member in &mut self.members {
            if let Registered::Held(by) = member.register(&mut link, PATIENCE)? {
                let text = format!("{} is the name of {by}", member.name);
                say(&text);
                std::thread::sleep(LONGEST_PAUSE);
                return Err(CallError::Closed(text));
            }
        }
        Ok(link)
    }

    /// Beats until the connection fails or it is over.
    fn keep(&self, link: &mut Link) -> Result<Over, CallError> {
        let mut beaten = Instant::now();
        loop {
            self.extend_all(link)?;
            if beaten.elapsed() >= self.shared.args.ttl / 5 {
                beaten = Instant::now();
                for member in &self.members {
                    member.beat(link, PATIENCE)?;
                }
            }
            match self.stop.recv_timeout(STEP.min(self.shared.args.ttl / 5)) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return Ok(Over),
            }
        }
    }

    fn extend_all(&self, link: &mut Link) -> Result<(), CallError> {
        let mut queues: BTreeMap<String, Vec<Posted>> = BTreeMap::new();
        for posted in self.shared.board.all() {
            queues.entry(posted.queue.clone()).or_default().push(posted);
        }
        for (queue, claims) in queues {
            for some in claims.chunks(MOST) {
                self.extend(link, &queue, some)?;
            }
        }
        Ok(())
    }

    fn extend(&self, link: &mut Link, queue: &str, claims: &[Posted]) -> Result<(), CallError> {
        let mut command = cmd("TASK.MEXTEND");
        command.arg(queue).arg(claims.len());
        for posted in claims {
            command.arg(&posted.id).arg(posted.token);
        }
        command.arg("LEASE").arg(crate::connect::millis(self.shared.args.ttl));
        let sent = Moment::now();
        let words = link.call(&command, PATIENCE)?.items();
        for (posted, word) in claims.iter().zip(words) {
            let note = match word.text().as_deref() {
                Some("OK") => Note::Heard(sent),
                Some("CANCELLED") => Note::Cancelled,
                _ => Note::Lost,
            };
            let _ = posted.note.send(note);
        }
        Ok(())
    }
}
