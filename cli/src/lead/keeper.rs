//! The thread that talks to the server: registers, waits in line, and beats while we lead.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Event;
use crate::connect::member::{Beat, FIRST_EPOCH, Member, Registered};
use crate::connect::{CallError, Connector, Link, Pause};
use crate::failure::{Failure, say};
use crate::guardian::clock::Moment;
use crate::process::Process;

/// The longest pause between two attempts to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two heartbeats, however long the TTL.
const LONGEST_STEP: Duration = Duration::from_secs(5);
/// The longest wait in line that one call asks for.
const LONGEST_BLOCK: Duration = Duration::from_secs(60);
/// What the keeper tells.
pub(super) enum News {
    /// We are a member, with this token.
    In(u64),
    /// We stand in line behind this one.
    StandsBy(Option<String>),
    /// We lead in this epoch, as was heard in answer to what was sent after this moment.
    Leads { epoch: u64, heard: Moment },
    /// We still lead, as was heard in answer to what was sent after this moment.
    Heard(Moment),
    /// Our connection was closed.
    Closed(Moment),
    /// The server does not run, or answers that it cannot serve: it will give its members their whole TTL again.
    Away,
    /// We do not lead any more, for this reason.
    Lost(String),
    /// Another leads, and we were not to wait.
    Taken(String),
    /// The server refuses what we ask of it.
    Refused(Failure),
}

pub(super) struct Keeper {
    connector: Connector,
    member: Member,
    /// The connections that the server may count as ours; the last is in use. None is closed while the program runs
    /// before another one is known to be bound, as the end of the last one makes the server appoint another leader.
    links: Vec<Link>,
    once: bool,
    news: Sender<Event>,
    processes: Receiver<(Process, u64)>,
}

/// Why the lead was lost.
struct Lost(String);

impl Keeper {
    /// Starts the thread. It takes the process to show in the register, and its epoch.
    pub(super) fn start(
        connector: Connector,
        member: Member,
        link: Link,
        once: bool,
        news: Sender<Event>,
    ) -> std::io::Result<Sender<(Process, u64)>> {
        let (sender, processes) = channel();
        let mut keeper = Keeper {
            connector,
            member,
            links: vec![link],
            once,
            news,
            processes,
        };
        std::thread::Builder::new().spawn(move || {
            if keeper.stand_in_line() {
                keeper.lead();
            }
        })?;
        Ok(sender)
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(Event::News(news));
    }

    /// The time between two heartbeats, and that for the answer to one.
    fn step(&self) -> Duration {
        (self.member.ttl / 5).min(LONGEST_STEP)
    }

    /// Waits until we lead; false when that is not to be.
    fn stand_in_line(&mut self) -> bool {
        let mut pause = Pause::new(LONGEST_PAUSE);
        loop {
            match self.stand() {
                Ok(Some((epoch, heard))) => {
                    self.tell(News::Leads { epoch, heard });
                    return true;
                }
                Ok(None) => return false,
                Err(error) if error.is("NOMEMBER") || error.is("FENCED") => self.member.token = None,
                Err(error @ CallError::Server { .. }) if !self.connector.may_pass(&error) => {
                    self.tell(News::Refused(self.connector.failure(&error)));
                    return false;
                }
                Err(_) => self.links.clear(),
            }
            pause.sleep();
        }
    }

    /// Registers on the present connection, or a new one, and waits there.
    fn stand(&mut self) -> Result<Option<(u64, Moment)>, CallError> {
        let step = self.step();
        if self.links.is_empty() {
            self.links
                .push(self.connector.open(&self.member.service, step.max(LONGEST_PAUSE))?);
        }
        let Some(link) = self.links.last_mut() else {
            return Ok(None);
        };
        loop {
            match self.member.register(link, step)? {
                Registered::In { token, .. } => {
                    let _ = self.news.send(Event::News(News::In(token)));
                    break;
                }
                Registered::Held(by) => {
                    let text = format!("the name {} is taken by {by}", self.member.name);
                    if self.once {
                        let _ = self.news.send(Event::News(News::Taken(text)));
                        return Ok(None);
                    }
                    say(text);
                    std::thread::sleep(LONGEST_PAUSE);
                }
            }
        }
        loop {
            let block = (!self.once).then_some((self.member.ttl / 2).min(LONGEST_BLOCK));
            let standing = self.member.campaign(link, block, step)?;
            // A wait counts from its beginning; this counts from now.
            let heard = Moment::now();
            let beat = self.member.beat(link, step)?;
            if let (true, Some(epoch)) = (beat.leads, beat.epoch) {
                return Ok(Some((epoch, heard)));
            }
            if self.once {
                let _ = self
                    .news
                    .send(Event::News(News::Taken(taken(&beat, standing.as_ref()))));
                return Ok(None);
            }
            let _ = self.news.send(Event::News(News::StandsBy(beat.leader)));
        }
    }

    /// Beats until the lead is lost.
    fn lead(&mut self) {
        // The register shows the program as soon as it runs.
        let mut show = self.processes.recv_timeout(self.step()).ok();
        loop {
            let over = match self.beat(show.take()) {
                Ok(()) => Ok(()),
                Err(CallError::Silent) => self.rebind(),
                Err(error @ CallError::Server { .. }) if is_lost(&error) => Err(Lost(error.to_string())),
                Err(CallError::Server { .. }) => {
                    self.tell(News::Away);
                    self.rebind()
                }
                Err(CallError::Closed(_) | CallError::Refused(_)) => {
                    self.tell(News::Closed(Moment::now()));
                    self.rebind()
                }
            };
            match over {
                Ok(()) => show = self.processes.try_recv().ok(),
                Err(Lost(why)) => return self.tell(News::Lost(why)),
            }
        }
    }

    /// Shows the process, if there is a new one; else waits for a step in a way that shows at once when the connection
    /// is closed or we are declared dead, and beats.
    fn beat(&mut self, show: Option<(Process, u64)>) -> Result<(), CallError> {
        let step = self.step();
        let Some(link) = self.links.last_mut() else {
            return Err(CallError::Closed("no connection".into()));
        };
        let mut heard = Moment::now();
        if let Some((process, epoch)) = show {
            self.member.process = process;
            self.member.meta = Some((FIRST_EPOCH, epoch.to_string()));
            self.member.register(link, step)?;
        } else if !self.member.wait_for_end(link, step, step)? {
            let _ = self.news.send(Event::News(News::Heard(heard)));
            heard = Moment::now();
        }
        let beat = self.member.beat(link, step)?;
        if !beat.leads {
            let text = format!("{} leads", beat.leader.as_deref().unwrap_or("nobody"));
            let code = "FENCED".into();
            return Err(CallError::Server { code, text });
        }
        self.tell(News::Heard(heard));
        Ok(())
    }

    /// Comes back on a new connection. Keeps the others until then.
    fn rebind(&mut self) -> Result<(), Lost> {
        let step = self.step();
        let mut pause = Pause::new(step / 2);
        loop {
            let heard = Moment::now();
            match self.register_anew(step) {
                Ok(Registered::In { epoch: Some(_), .. }) => {
                    let last = self.links.len().saturating_sub(1);
                    self.links.drain(..last);
                    self.tell(News::Heard(heard));
                    return Ok(());
                }
                Ok(_) => return Err(Lost("another leads".into())),
                Err(error) if is_lost(&error) => return Err(Lost(error.to_string())),
                Err(CallError::Server { .. } | CallError::Refused(_)) => self.tell(News::Away),
                // It may run, and count us as gone.
                Err(CallError::Silent | CallError::Closed(_)) => {}
            }
            pause.sleep();
        }
    }

    fn register_anew(&mut self, step: Duration) -> Result<Registered, CallError> {
        self.links.push(self.connector.open(&self.member.service, step)?);
        match self.links.last_mut() {
            Some(link) => self.member.register(link, step),
            None => Err(CallError::Silent),
        }
    }
}

/// Whether this is the answer to one that does not lead any more.
fn is_lost(error: &CallError) -> bool {
    error.is("NOMEMBER") || error.is("FENCED")
}

/// What one reads who was not to wait.
fn taken(beat: &Beat, standing: Option<&Beat>) -> String {
    let leader = beat.leader.as_ref().or_else(|| standing?.leader.as_ref());
    match leader {
        Some(leader) => format!("{leader} leads"),
        None => "nobody leads, but a leader from before a restart or failover of the server may still come back".into(),
    }
}
