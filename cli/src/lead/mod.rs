//! `steward lead`: a program that runs while we lead, once over all hosts.
//!
//! The keeper, a thread, talks to the server; the guardian, a process, parents the program. This one decides: it hears
//! of both and of signals through one channel, and hands the guardian a new fuse with each heartbeat that was answered.

mod keeper;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::args::{LeadArgs, OnLost, Takeover};
use crate::connect::Connector;
use crate::connect::member::Member;
use crate::failure::{Failure, TEMPORARY, say};
use crate::guardian::clock::Moment;
use crate::guardian::{Charge, End, Fuse, Guardians, Program, Report};
use crate::process::Process;
use crate::{notify, program, signals};
use keeper::{Keeper, News};

/// How long a member may be without its connection with `--takeover steady`: the guardian needs some of it to end all.
const STEADY: Duration = Duration::from_millis(500);
/// Longer than nothing to do can last.
const FOREVER: Duration = Duration::from_secs(3600);
/// How long leaving may take when the server does not answer.
const FAREWELL: Duration = Duration::from_secs(1);

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
    let member = member(&args, process);
    let keeper = Keeper::start(connector.clone(), member.clone(), link, args.once, sender.clone()).map_err(system)?;
    let lead = Lead {
        connector,
        args,
        member,
        sender,
        keeper,
        guardians,
        charge: None,
        heard: Moment::now(),
        end: None,
        lost: None,
        failure: None,
    };
    lead.run(&events)
}

/// We as the register shows us while we wait.
fn member(args: &LeadArgs, process: Process) -> Member {
    let name = args.member.clone();
    Member {
        service: args.service.clone(),
        name: name.unwrap_or_else(|| format!("{}-{}", process.host, process.pid)),
        ttl: args.ttl,
        grace: match args.takeover {
            Takeover::Steady => STEADY,
            Takeover::Fast => Duration::ZERO,
        },
        token: None,
        process,
        meta: None,
    }
}

struct Lead<'a> {
    connector: &'a Connector,
    args: LeadArgs,
    member: Member,
    sender: Sender<Event>,
    /// Tells the keeper which process the register is to show.
    keeper: Sender<(Process, u64)>,
    guardians: Guardians,
    /// The program, once it was started.
    charge: Option<Charge>,
    /// Before the last heartbeat that was answered was sent.
    heard: Moment,
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
            let next = self.charge.as_ref().and_then(Charge::next);
            let goes_on = match events.recv_timeout(next.map_or(FOREVER, Moment::left)) {
                Ok(Event::Signal(signal)) => self.on_signal(signal),
                Ok(Event::News(news)) => self.on_news(news),
                Ok(Event::Guardian(report)) => self.on_report(report),
                Err(RecvTimeoutError::Timeout) => {
                    self.charge.as_mut().into_iter().for_each(Charge::check);
                    true
                }
                // We have a sender ourselves.
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !goes_on {
                return self.leave();
            }
        }
    }

    fn on_signal(&mut self, signal: i32) -> bool {
        let is_end = matches!(signal, SIGTERM | SIGINT);
        match &mut self.charge {
            None => return !is_end,
            Some(charge) if is_end => {
                notify::stopping();
                charge.stop(self.args.grace);
            }
            Some(charge) => charge.signal(signal),
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
                self.set_fuse();
            }
            News::Closed(at) => self.shorten(at),
            News::Away => self.set_fuse(),
            News::Lost(why) => self.lose(&why),
            News::Refused(failure) if self.charge.is_none() => {
                self.failure = Some(failure);
                return false;
            }
            News::Taken(text) if self.charge.is_none() => {
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
        let program = Program {
            words: self.args.program.clone(),
            variables: vec![("STEWARD_EPOCH".into(), epoch.to_string().into())],
            stdio: std::array::from_fn(|_| std::process::Stdio::inherit()),
        };
        let (sender, keeper) = (self.sender.clone(), self.keeper.clone());
        let fuse = self.fuse(self.args.ttl, heard);
        let started = Charge::start(&self.guardians, program, fuse, move |report| {
            if let Report::Started(pid) = report
                && let Ok(process) = Process::of(pid)
            {
                let _ = keeper.send((process, epoch));
            }
            let _ = sender.send(Event::Guardian(report));
        });
        match started {
            Ok(charge) => {
                self.charge = Some(charge);
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
    fn fuse(&self, time: Duration, from: Moment) -> Fuse {
        Fuse::within(time, from, self.args.on_lost == OnLost::Kill)
    }

    fn set_fuse(&mut self) {
        let fuse = self.fuse(self.args.ttl, self.heard);
        // One that was lost gets no more time.
        if let (Some(charge), None) = (&mut self.charge, &self.lost) {
            charge.set_fuse(fuse);
        }
    }

    /// Our connection was closed. If that was not the server's end, it counts our grace from now on.
    fn shorten(&mut self, at: Moment) {
        let fuse = self.fuse(self.member.grace, at);
        if let (Some(charge), false) = (&mut self.charge, self.member.grace.is_zero()) {
            charge.shorten(fuse);
        }
    }

    /// Another may lead by now.
    fn lose(&mut self, why: &str) {
        if self.end.is_none() && self.lost.is_none() {
            say(format_args!("lost the lead of {}: {why}", self.args.service));
            self.lost = Some(why.into());
        }
        self.charge.as_mut().into_iter().for_each(Charge::kill);
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
                    "the server did not answer in time: ending {}",
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
        match (self.failure, self.lost, self.end, self.charge) {
            (Some(failure), ..) => Err(failure),
            (None, Some(_), ..) => Ok(TEMPORARY),
            (None, None, Some(end), _) => Ok(end.code()),
            (None, None, None, Some(_)) => Ok(End::Signal(9).code()),
            (None, None, None, None) => Ok(0),
        }
    }
}
