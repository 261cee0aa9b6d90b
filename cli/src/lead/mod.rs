//! `steward lead`: a program that runs while we lead, once over all hosts.
//!
//! The keeper, a thread, talks to the server; the guardian, a process, parents the program. This one decides: it hears
//! of both and of signals through one channel, and hands the guardian a new fuse with each heartbeat that was answered.

mod keeper;
mod notify;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::args::{LeadArgs, OnLost, Takeover};
use crate::connect::Connector;
use crate::connect::member::Member;
use crate::failure::{Failure, TEMPORARY, say};
use crate::guardian::clock::Moment;
use crate::guardian::{End, Fuse, Guardian, Guardians, Report};
use crate::process::Process;
use crate::{program, signals};
use keeper::{Keeper, News};

/// How long a member may be without its connection with `--takeover steady`: the guardian needs some of it to end all.
const STEADY: Duration = Duration::from_millis(500);
/// How long leaving may take when the server does not answer.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the guardian may take to do what it is told, or what its fuse says.
const OBEDIENCE: Duration = Duration::from_secs(1);

/// What happens.
enum Event {
    Signal(i32),
    News(News),
    Guardian(Report),
}

/// `steward lead SERVICE -- PROGRAM`.
pub(crate) fn run(connector: &Connector, args: LeadArgs) -> Result<u8, Failure> {
    let (name, _) = args
        .program
        .split_first()
        .ok_or_else(|| Failure::usage("no program is named"))?;
    program::ensure(name)?;
    let system = |error: std::io::Error| Failure::unavailable(format!("the system refuses: {error}"));
    let process = Process::of(std::process::id()).map_err(system)?;
    let link = connector.open_first(&args.service)?;
    let guardians = Guardians::new().map_err(system)?;
    let (sender, events) = channel();
    let signalled = sender.clone();
    signals::on(&[SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGTERM, SIGINT], move |signal| {
        let _ = signalled.send(Event::Signal(signal));
    })
    .map_err(system)?;
    let member = Member {
        service: args.service.clone(),
        name: args
            .member
            .clone()
            .unwrap_or_else(|| format!("{}-{}", process.host, process.pid)),
        ttl: args.ttl,
        grace: if args.takeover == Takeover::Steady {
            STEADY
        } else {
            Duration::ZERO
        },
        token: None,
        process,
        meta: None,
    };
    let keeper = Keeper::start(connector.clone(), member.clone(), link, args.once, sender.clone()).map_err(system)?;
    let lead = Lead {
        connector,
        args,
        member,
        sender,
        keeper,
        guardians,
        guardian: None,
        heard: Moment::now(),
        fuse: None,
        kill_at: None,
        is_stopping: false,
        end: None,
        lost: None,
        failure: None,
    };
    lead.run(&events)
}

struct Lead<'a> {
    connector: &'a Connector,
    args: LeadArgs,
    member: Member,
    sender: Sender<Event>,
    /// Tells the keeper which process the register is to show.
    keeper: Sender<(Process, u64)>,
    guardians: Guardians,
    guardian: Option<Guardian>,
    /// Before the last heartbeat that was answered was sent.
    heard: Moment,
    fuse: Option<Fuse>,
    /// When the program is killed that was asked to end.
    kill_at: Option<Moment>,
    is_stopping: bool,
    /// How the program ended.
    end: Option<End>,
    /// Why we do not lead any more.
    lost: Option<String>,
    /// What kept us from leading.
    failure: Option<Failure>,
}

impl Lead<'_> {
    fn run(mut self, events: &Receiver<Event>) -> Result<u8, Failure> {
        loop {
            let goes_on = match events.recv_timeout(self.patience()) {
                Ok(Event::Signal(signal)) => self.on_signal(signal),
                Ok(Event::News(news)) => self.on_news(news),
                Ok(Event::Guardian(report)) => self.on_report(report),
                Err(RecvTimeoutError::Timeout) => self.on_time(),
                // We have a sender ourselves.
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !goes_on {
                return self.leave();
            }
        }
    }

    /// How long until something must be done that nobody tells us.
    fn patience(&self) -> Duration {
        let overdue = self
            .fuse
            .filter(|_| !crate::guardian::fuses_are_off())
            .map(|fuse| fuse.kill.after(OBEDIENCE));
        let next = self.kill_at.into_iter().chain(overdue).min();
        next.filter(|_| self.guardian.is_some())
            .map_or(Duration::from_secs(3600), Moment::left)
    }

    /// The program has not ended in time, or the guardian has not ended it.
    fn on_time(&mut self) -> bool {
        match &self.guardian {
            Some(_) if self.kill_at.is_some_and(|at| at.left().is_zero()) => self.kill(),
            Some(guardian) if self.patience().is_zero() => {
                guardian.kill_all();
                self.kill_at = None;
                self.fuse = None;
            }
            _ => {}
        }
        true
    }

    /// Kills the program; the guardian, if need be, a moment later.
    fn kill(&mut self) {
        if let Some(guardian) = &self.guardian {
            guardian.kill();
            self.fuse = Some(Fuse {
                term: Moment::now(),
                kill: Moment::now(),
            });
            self.kill_at = None;
        }
    }

    fn on_signal(&mut self, signal: i32) -> bool {
        let is_end = matches!(signal, SIGTERM | SIGINT);
        let Some(guardian) = &self.guardian else {
            return !is_end;
        };
        match (is_end, self.is_stopping) {
            (false, _) => guardian.signal(signal),
            (true, false) => {
                guardian.signal(SIGTERM);
                self.is_stopping = true;
                self.kill_at = Some(Moment::now().after(self.args.grace));
                notify::stopping();
            }
            (true, true) => self.kill(),
        }
        true
    }

    fn on_news(&mut self, news: News) -> bool {
        match news {
            News::In(token) => {
                self.member.token = Some(token);
                if !self.args.ready_when_leading {
                    notify::ready();
                }
            }
            News::StandsBy(leader) => notify::standby(leader.as_deref()),
            News::Leads { epoch, heard } => return self.start(epoch, heard),
            News::Heard(heard) => {
                self.heard = heard;
                self.set_fuse(self.fuse_from(heard));
            }
            News::Closed(at) => self.shorten(at),
            News::Away => self.set_fuse(self.fuse_from(self.heard)),
            News::Lost(why) => self.lose(&why),
            News::Refused(failure) if self.guardian.is_none() => {
                self.failure = Some(failure);
                return false;
            }
            News::Taken(text) if self.guardian.is_none() => {
                self.failure = Some(Failure::new(self.args.try_code, text));
                return false;
            }
            News::Refused(_) | News::Taken(_) => {}
        }
        true
    }

    /// We lead: starts the program.
    fn start(&mut self, epoch: u64, heard: Moment) -> bool {
        self.heard = heard;
        let fuse = self.fuse_from(heard);
        self.fuse = Some(fuse);
        let program = crate::guardian::Program {
            words: self.args.program.clone(),
            variables: vec![("STEWARD_EPOCH".into(), epoch.to_string().into())],
            stdio: std::array::from_fn(|_| std::process::Stdio::inherit()),
        };
        let (sender, keeper) = (self.sender.clone(), self.keeper.clone());
        let started = Guardian::start(&self.guardians, program, fuse, move |report| {
            if let Report::Started(pid) = report
                && let Ok(process) = Process::of(pid)
            {
                let _ = keeper.send((process, epoch));
            }
            let _ = sender.send(Event::Guardian(report));
        });
        match started {
            Ok(guardian) => {
                self.guardian = Some(guardian);
                notify::leads(epoch);
                notify::ready();
                true
            }
            Err(error) => {
                self.failure = Some(Failure::unavailable(format!("no guardian: {error}")));
                false
            }
        }
    }

    /// When the program must be gone if nothing more is heard: before the server may appoint another.
    fn fuse_from(&self, heard: Moment) -> Fuse {
        fuse(heard, self.args.ttl, self.args.on_lost)
    }

    fn set_fuse(&mut self, fuse: Fuse) {
        // One that was lost or is being killed gets no more time.
        if let (Some(guardian), None) = (&self.guardian, &self.lost) {
            guardian.set_fuse(fuse);
            self.fuse = Some(fuse);
        }
    }

    /// Our connection was closed. If that was not the server's end, it counts our grace from now on.
    fn shorten(&mut self, at: Moment) {
        let sooner = fuse(at, self.member.grace, self.args.on_lost);
        if !self.member.grace.is_zero() && self.fuse.is_some_and(|fuse| sooner.kill < fuse.kill) {
            self.set_fuse(sooner);
        }
    }

    /// Another may lead by now.
    fn lose(&mut self, why: &str) {
        if self.end.is_none() && self.lost.is_none() {
            say(format_args!("{} is not led any more: {why}", self.args.service));
            self.lost = Some(why.into());
        }
        self.kill();
    }

    fn on_report(&mut self, report: Report) -> bool {
        match report {
            Report::Started(_) => {}
            Report::NotStarted(errno) => {
                let error = std::io::Error::from_raw_os_error(errno);
                self.failure = self.args.program.first().map(|name| program::not_started(name, &error));
            }
            Report::Blown => {
                say(format_args!(
                    "the server was not heard in time: {} is ended",
                    self.args.service
                ));
                self.lost = Some("not heard in time".into());
            }
            Report::Ended(end) => self.end = Some(end),
            Report::Gone => return false,
        }
        true
    }

    /// Nothing runs any more: leaves the register, so that the next one leads, and tells how it ended.
    fn leave(self) -> Result<u8, Failure> {
        notify::stopping();
        if self.member.token.is_some() {
            let link = self.connector.open(&self.args.service, FAREWELL);
            let _ = link.and_then(|mut link| self.member.deregister(&mut link, FAREWELL));
        }
        match (self.failure, self.lost, self.end, self.guardian) {
            (Some(failure), ..) => Err(failure),
            (None, Some(_), ..) => Ok(TEMPORARY),
            (None, None, Some(end), _) => Ok(end.code()),
            (None, None, None, Some(_)) => Ok(End::Signal(9).code()),
            (None, None, None, None) => Ok(0),
        }
    }
}

/// TERM at 60 % and KILL at 85 % of the time after which another may lead.
fn fuse(from: Moment, time: Duration, on_lost: OnLost) -> Fuse {
    let term = from.after(time * 60 / 100);
    Fuse {
        term,
        kill: if on_lost == OnLost::Kill {
            term
        } else {
            from.after(time * 85 / 100)
        },
    }
}
