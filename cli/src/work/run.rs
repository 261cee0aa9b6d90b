//! One task: its program under a guardian, from its start until nothing of it is left.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::claim::Claim;
use super::outcome::{Outcome, error, too_long};
use super::output::{Stream, Written, follow};
use super::{Event, Note, Shared};
use crate::failure::{Failure, say};
use crate::guardian::clock::Moment;
use crate::guardian::{Charge, End, Fuse, Program, Report};
use crate::program;

/// How long a program may take to end after TERM, at its time limit and when we are to end.
const AFTER_TERM: Duration = Duration::from_secs(5);
/// The same when its task is not ours any more.
const AFTER_LOSS: Duration = Duration::from_millis(300);
/// Longer than nothing to do can last.
const FOREVER: Duration = Duration::from_secs(3600);
/// The longest argument or variable of a program on Linux, with its name and its end.
const MAX_WORD: usize = 128 << 10;
/// The variable with the payload, with `--env`.
const PAYLOAD: &str = "STEWARD_PAYLOAD";

/// Why the program is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Limit,
    Lost,
    Cancelled,
    /// We are to end.
    Leaving,
}

struct Run<'a> {
    shared: &'a Shared,
    claim: &'a Claim,
    charge: Charge,
    /// Before the last call that was answered and kept the claim was sent.
    heard: Moment,
    limit: Option<Moment>,
    why: Option<Why>,
    end: Option<End>,
    failure: Option<Failure>,
}

/// Runs the program for a claim that was asked for after this moment.
pub(super) fn run(
    shared: &Arc<Shared>,
    claim: &Claim,
    heard: Moment,
    note: &Sender<Note>,
    notes: &Receiver<Note>,
) -> Outcome {
    let Some((words, variables)) = words(shared, claim) else {
        return Outcome::Dead(b"the payload does not fit into an argument: use standard input".to_vec());
    };
    let started = start(shared, claim, (words, variables), heard, note);
    let (charge, output, errors) = match started {
        Ok(started) => started,
        Err(error) => {
            let failure = Failure::unavailable(format!("no guardian: {error}"));
            let _ = shared.events.send(Event::Refused(failure));
            return Outcome::Released(None);
        }
    };
    let mut run = Run {
        shared,
        claim,
        charge,
        heard,
        limit: shared.args.timeout.map(|timeout| Moment::now().after(timeout)),
        why: None,
        end: None,
        failure: None,
    };
    run.wait(notes);
    let nothing = |_| Written {
        bytes: Vec::new(),
        is_too_long: false,
    };
    let (output, errors) = (
        output.join().unwrap_or_else(nothing),
        errors.join().unwrap_or_else(nothing),
    );
    run.outcome(output, &errors.bytes)
}

type Started = (Charge, JoinHandle<Written>, JoinHandle<Written>);
type Words = (Vec<OsString>, Vec<(String, OsString)>);

/// The program with its arguments and variables; none if the payload does not fit where it is wanted.
fn words(shared: &Shared, claim: &Claim) -> Option<Words> {
    let args = &shared.args;
    let mut words = args.program.clone();
    let mut variables = shared.variables.clone();
    for (name, value) in claim.variables() {
        variables.push((format!("STEWARD_{name}"), value.into()));
    }
    for (name, value) in &claim.trace {
        variables.push((name.to_uppercase(), value.into()));
    }
    if args.takes_input() {
        return Some((words, variables));
    }
    if claim.payload.contains(&0) || claim.payload.len() + PAYLOAD.len() + 2 > MAX_WORD {
        return None;
    }
    let payload = OsString::from_vec(claim.payload.clone());
    if let Some(replace) = &args.replace {
        words
            .iter_mut()
            .filter(|word| *word == replace)
            .for_each(|word| word.clone_from(&payload));
    }
    if args.env {
        variables.push((PAYLOAD.into(), payload));
    }
    Some((words, variables))
}

fn start(
    shared: &Shared,
    claim: &Claim,
    (words, variables): Words,
    heard: Moment,
    note: &Sender<Note>,
) -> io::Result<Started> {
    let ((output, to_output), (errors, to_errors)) = (io::pipe()?, io::pipe()?);
    let input = if shared.args.takes_input() {
        let (input, to_input) = io::pipe()?;
        feed(to_input, claim.payload.clone())?;
        Stdio::from(input)
    } else {
        Stdio::null()
    };
    let program = Program {
        words,
        variables,
        stdio: [input, to_output.into(), to_errors.into()],
    };
    let note = note.clone();
    let fuse = Fuse::within(shared.args.ttl, heard, false);
    let charge = Charge::start(&shared.guardians, program, fuse, move |report| {
        let _ = note.send(Note::Guardian(report));
    })?;
    let form = shared.form;
    Ok((
        charge,
        follow(output, claim, Stream::Output, form)?,
        follow(errors, claim, Stream::Error, form)?,
    ))
}

/// Writes the payload in a thread. The program need not read it.
fn feed(mut to: io::PipeWriter, payload: Vec<u8>) -> io::Result<()> {
    std::thread::Builder::new().spawn(move || to.write_all(&payload))?;
    Ok(())
}

impl Run<'_> {
    fn wait(&mut self, notes: &Receiver<Note>) {
        loop {
            let limit = self.limit.filter(|_| self.why.is_none());
            let next = self.charge.next().into_iter().chain(limit).min();
            match notes.recv_timeout(next.map_or(FOREVER, Moment::left)) {
                Ok(Note::Guardian(Report::Gone)) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(note) => self.on(note),
                Err(RecvTimeoutError::Timeout) => {
                    self.charge.check();
                    if limit.is_some_and(|limit| limit.left().is_zero()) {
                        self.stop(Why::Limit, AFTER_TERM);
                    }
                }
            }
        }
    }

    fn on(&mut self, note: Note) {
        match note {
            Note::Guardian(Report::NotStarted(errno)) => {
                let error = io::Error::from_raw_os_error(errno);
                let name = self.shared.args.program.first();
                self.failure = name.map(|name| program::not_started(name, &error));
            }
            Note::Guardian(Report::Blown) => self.why = Some(Why::Lost),
            Note::Guardian(Report::Ended(end)) => self.end = Some(end),
            Note::Guardian(_) | Note::Answer(_) => {}
            Note::Heard(heard) => {
                self.heard = heard;
                self.set_fuse();
            }
            Note::Away => self.set_fuse(),
            Note::Closed(at) => self.charge.shorten(Fuse::within(self.shared.grace(), at, false)),
            Note::Lost => self.stop(Why::Lost, AFTER_LOSS),
            Note::Cancelled => self.stop(Why::Cancelled, AFTER_LOSS),
            Note::Leave => self.stop(Why::Leaving, AFTER_TERM),
            Note::Kill => {
                self.why = self.why.or(Some(Why::Leaving));
                self.charge.kill();
            }
        }
    }

    fn set_fuse(&mut self) {
        if self.why != Some(Why::Lost) {
            self.charge
                .set_fuse(Fuse::within(self.shared.args.ttl, self.heard, false));
        }
    }

    /// Has the program end, within this time. It has one reason to, but that nobody waits for it comes before others.
    fn stop(&mut self, why: Why, grace: Duration) {
        let is_free = matches!(why, Why::Lost | Why::Cancelled);
        match self.why {
            None => {}
            Some(Why::Limit | Why::Leaving) if is_free => {}
            Some(_) => return,
        }
        if self.end.is_none() && why == Why::Lost {
            say(format_args!("lost the claim of {} {}", self.claim.queue, self.claim.id));
        }
        self.why = Some(why);
        self.charge.stop(grace);
    }

    fn outcome(self, output: Written, errors: &[u8]) -> Outcome {
        if let Some(failure) = self.failure {
            let _ = self.shared.events.send(Event::Refused(failure));
            return Outcome::Released(None);
        }
        let end = self.end.unwrap_or(End::Signal(9));
        match self.why {
            Some(Why::Lost) => return Outcome::Lost,
            Some(Why::Cancelled) => return Outcome::Released(None),
            Some(Why::Leaving) if end != End::Code(0) => return Outcome::Released(None),
            Some(Why::Limit) => return Outcome::Failed(error(&self.shared.args.limit_text(), errors)),
            Some(Why::Leaving) | None => {}
        }
        if output.is_too_long && end == End::Code(0) {
            too_long(self.claim);
        }
        let result = Some(output.bytes).filter(|_| !output.is_too_long);
        Outcome::of(end, self.claim, result, errors, self.shared.args.release_delay)
    }
}
