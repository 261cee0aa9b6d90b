//! `steward work`: a program for each task of some queues.
//!
//! One thread claims a task for each free place; one keeps memberships and claims alive; each task has one that runs its
//! program and tells how it ended. This one counts places, hears signals and decides when it is over.

mod beats;
mod claim;
mod envelope;
mod http;
mod outcome;
mod output;
mod progress;
mod run;

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::args::{Common, Output, WorkArgs};
use crate::connect::Connector;
use crate::failure::Failure;
use crate::guardian::clock::Moment;
use crate::guardian::{Guardians, Report};
use crate::process::Process;
use crate::{notify, program, signals};
use beats::Beats;
use claim::{Board, Claim};
use http::{Answer, Http};
use outcome::{Links, Outcome};
pub(crate) use progress::progress;

/// How long a member may be without its connection before its tasks are those of others.
const GRACE: Duration = Duration::from_secs(5);
/// How long programs that got TERM, and then KILL, may take to be gone and their ends to be told.
const LAST: Duration = Duration::from_secs(7);
/// How long it may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);
const FOREVER: Duration = Duration::from_secs(3600);

/// What all threads use.
struct Shared {
    connector: Connector,
    args: WorkArgs,
    form: Output,
    /// Our name as a worker and a member.
    worker: String,
    /// Where tasks are sent, if no program does them.
    http: Option<Http>,
    /// For all programs.
    variables: Vec<(String, OsString)>,
    guardians: Guardians,
    board: Board,
    links: Links,
    events: Sender<Event>,
}

impl Shared {
    fn first_queue(&self) -> &str {
        self.args.queues.first().map_or("", |queue| queue)
    }

    fn grace(&self) -> Duration {
        GRACE.min(self.args.ttl)
    }
}

/// What happens.
enum Event {
    Signal,
    /// We are a member.
    Registered,
    /// A task was claimed by a call that was sent after this moment.
    Claimed(Claim, Moment),
    /// A place is free again.
    Free,
    NoMoreClaims,
    /// We have left the register.
    Left,
    /// It cannot go on.
    Refused(Failure),
}

/// What one task is told.
enum Note {
    Guardian(Report),
    /// The claim was ours when this was sent.
    Heard(Moment),
    /// The connection of the member was closed.
    Closed(Moment),
    /// The server is down.
    Away,
    Lost,
    Cancelled,
    /// What a request has got.
    Answer(Result<Answer, ureq::Error>),
    /// We are to end.
    Leave,
    /// At once.
    Kill,
}

/// `steward work QUEUE... -- PROGRAM`.
pub(crate) fn run(common: &Common, args: WorkArgs) -> Result<u8, Failure> {
    args.check()?;
    if let Some(name) = args.program.first() {
        program::ensure(name)?;
    }
    let connector = common.connector()?;
    if !connector.has_one_server_for(&args.queues) {
        return Err(Failure::usage(
            "in a cluster the queues must have the same tag in braces, as {app}mail and {app}sms",
        ));
    }
    let system = |error: std::io::Error| Failure::unavailable(format!("the system refuses: {error}"));
    let process = Process::of(std::process::id()).map_err(system)?;
    drop(connector.open_first(args.queues.first().map_or("", |queue| queue))?);
    let (events, heard) = channel();
    let name = args.member.clone();
    let worker = name.unwrap_or_else(|| format!("{}-{}", process.host, process.pid));
    let shared = Arc::new(Shared {
        connector,
        form: common.output,
        worker,
        http: Http::of(&args)?,
        variables: common.variables(),
        guardians: Guardians::new().map_err(system)?,
        board: Board::default(),
        links: Links::default(),
        events: events.clone(),
        args,
    });
    let signalled = events.clone();
    signals::on(&[SIGTERM, SIGINT], move |_| {
        let _ = signalled.send(Event::Signal);
    })
    .map_err(system)?;
    let (permits, permitted) = channel();
    let (leave, stop) = channel();
    let beats = Beats {
        shared: Arc::clone(&shared),
        process,
        members: Vec::new(),
        events: events.clone(),
        stop,
    };
    let spawn = std::thread::Builder::new;
    spawn().spawn(move || beats.run()).map_err(system)?;
    let claims = Arc::clone(&shared);
    spawn()
        .spawn(move || claim::claim_all(&claims, &permitted, &events))
        .map_err(system)?;
    let work = Work {
        shared,
        permits: Some(permits),
        leave,
        busy: 0,
        claims: true,
        stage: Stage::Working,
        until: None,
        failure: None,
        has_left: false,
    };
    work.run(&heard)
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Working,
    /// What runs may finish.
    Finishing,
    /// It gets TERM, and KILL.
    Ending,
    /// It gets KILL.
    Killing,
}

struct Work {
    shared: Arc<Shared>,
    /// Lets a task be claimed; none when no more are to be.
    permits: Option<Sender<()>>,
    /// Dropped to leave.
    leave: Sender<()>,
    /// Tasks that have not ended.
    busy: usize,
    /// More may come.
    claims: bool,
    stage: Stage,
    /// When the next stage begins.
    until: Option<Moment>,
    failure: Option<Failure>,
    has_left: bool,
}

impl Work {
    fn run(mut self, events: &Receiver<Event>) -> Result<u8, Failure> {
        while self.busy > 0 || self.claims {
            match events.recv_timeout(self.until.map_or(FOREVER, Moment::left)) {
                Ok(event) => self.on(event),
                Err(RecvTimeoutError::Timeout) if self.until.is_none() => {}
                Err(RecvTimeoutError::Timeout) if self.stage == Stage::Finishing => self.end(),
                // What is left is ended by its guardians.
                Err(_) => break,
            }
        }
        drop(self.leave);
        let until = Moment::now().after(FAREWELL);
        while !self.has_left && !matches!(events.recv_timeout(until.left()), Ok(Event::Left) | Err(_)) {}
        self.failure.map_or(Ok(0), Err)
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Signal if self.stage == Stage::Working => self.finish(),
            Event::Signal if self.stage != Stage::Killing => self.kill(),
            Event::Signal => {}
            Event::Registered => {
                notify::ready();
                notify::works(&self.shared.worker, &self.shared.args.queues);
                (0..self.shared.args.places).for_each(|_| self.permit());
            }
            Event::Claimed(claim, heard) => self.start(claim, heard),
            Event::Free => {
                self.busy -= 1;
                self.permit();
            }
            Event::NoMoreClaims => self.claims = false,
            Event::Left => self.has_left = true,
            Event::Refused(failure) => {
                self.failure.get_or_insert(failure);
                if self.stage == Stage::Working {
                    self.finish();
                }
            }
        }
    }

    fn permit(&self) {
        if let Some(permits) = &self.permits {
            let _ = permits.send(());
        }
    }

    fn start(&mut self, claim: Claim, heard: Moment) {
        let shared = Arc::clone(&self.shared);
        let is_late = self.stage != Stage::Working;
        let spawned = std::thread::Builder::new().spawn(move || {
            let (note, notes) = channel();
            shared.board.add(&claim, note.clone());
            let outcome = match is_late {
                true => Outcome::Released(None),
                false if shared.http.is_some() => http::run(&shared, &claim, heard, &note, &notes),
                false => run::run(&shared, &claim, heard, &note, &notes),
            };
            outcome::tell(&shared, &claim, outcome);
            shared.board.remove(&claim);
            let _ = shared.events.send(Event::Free);
        });
        match spawned {
            Ok(_) => self.busy += 1,
            Err(error) => self.on(Event::Refused(Failure::unavailable(format!("no thread: {error}")))),
        }
    }

    /// No new work.
    fn finish(&mut self) {
        notify::stopping();
        self.permits = None;
        self.stage = Stage::Finishing;
        self.until = Some(Moment::now().after(self.shared.args.grace));
    }

    fn end(&mut self) {
        self.stage = Stage::Ending;
        self.until = Some(Moment::now().after(LAST));
        self.shared.board.tell(|| Note::Leave);
    }

    fn kill(&mut self) {
        self.stage = Stage::Killing;
        self.until = Some(Moment::now().after(FAREWELL));
        self.shared.board.tell(|| Note::Kill);
    }
}
