//! What becomes of a task, and telling the server until it has heard it.

use std::time::Duration;

use redis::{Cmd, cmd};

use super::claim::Claim;
use super::{Event, Shared};
use crate::connect::{CallError, Link, PATIENCE, Pause};
use crate::failure::say;
use crate::guardian::End;

/// The longest result.
pub(super) const MAX_RESULT: usize = 1 << 20;
/// The longest error.
pub(super) const MAX_ERROR: usize = 4 << 10;
/// The longest last line that is shown in the first.
const MAX_LAST: usize = 256;
/// So often a task may be given back before that counts as a failure.
const MOST_RELEASES: u64 = 100;
/// Exit codes with a meaning: those of sysexits for wrong data, and for trying again.
const WRONG_DATA: u8 = 65;
const TRY_AGAIN: u8 = crate::failure::TEMPORARY;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done.
    Done(Option<Vec<u8>>),
    /// It has failed.
    Failed(Vec<u8>),
    /// It can never succeed.
    Dead(Vec<u8>),
    /// It is given back, for so long.
    Released(Option<Duration>),
    /// It is not ours any more.
    Lost,
}

impl Outcome {
    /// What the end of a program means. Its result is its output, none if that was too long.
    pub(super) fn of(end: End, claim: &Claim, result: Option<Vec<u8>>, errors: &[u8], delay: Duration) -> Outcome {
        match end {
            End::Code(0) => Outcome::Done(result.filter(|result| !result.is_empty())),
            End::Code(WRONG_DATA) => Outcome::Dead(exit_error(WRONG_DATA, errors)),
            End::Code(TRY_AGAIN) => Outcome::released(claim, delay, || exit_error(TRY_AGAIN, errors)),
            End::Code(code) => Outcome::Failed(exit_error(code, errors)),
            End::Signal(signal) => Outcome::Failed(error(&format!("signal {signal}"), errors)),
        }
    }

    /// Given back, unless it was too often.
    pub(super) fn released(claim: &Claim, delay: Duration, error: impl FnOnce() -> Vec<u8>) -> Outcome {
        // Each claim that was not given back has used an attempt.
        if claim.deliveries.saturating_sub(claim.attempt) < MOST_RELEASES {
            Outcome::Released(Some(delay))
        } else {
            Outcome::Failed(error())
        }
    }

    fn command(&self, claim: &Claim) -> Option<Cmd> {
        let name = match self {
            Outcome::Done(_) => "TASK.ACK",
            Outcome::Failed(_) | Outcome::Dead(_) => "TASK.FAIL",
            Outcome::Released(_) => "TASK.RELEASE",
            Outcome::Lost => return None,
        };
        let mut command = cmd(name);
        command.arg(&claim.queue).arg(&claim.id).arg(claim.token);
        match self {
            Outcome::Done(Some(result)) => command.arg("RESULT").arg(result),
            Outcome::Failed(error) => command.arg("ERROR").arg(error),
            Outcome::Dead(error) => command.arg("ERROR").arg(error).arg("DEAD"),
            Outcome::Released(Some(delay)) => command.arg("DELAY").arg(crate::connect::millis(*delay)),
            Outcome::Done(None) | Outcome::Released(None) | Outcome::Lost => &mut command,
        };
        Some(command)
    }
}

fn exit_error(code: u8, errors: &[u8]) -> Vec<u8> {
    let trimmed = errors.trim_ascii_end();
    let last = trimmed.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let last = last.get(..MAX_LAST).unwrap_or(last);
    let code = format!("exit {code}");
    match last.is_empty() {
        true => error(&code, errors),
        false => error(&format!("{code}: {}", String::from_utf8_lossy(last)), errors),
    }
}

/// A first line by which errors can be grouped, and the end of what was written to standard error.
pub(super) fn error(first: &str, errors: &[u8]) -> Vec<u8> {
    let errors = errors.trim_ascii_end();
    let mut text = first.as_bytes().to_vec();
    let room = MAX_ERROR.saturating_sub(text.len() + 1);
    let tail = errors.get(errors.len().saturating_sub(room)..).unwrap_or_default();
    if !tail.is_empty() {
        text.push(b'\n');
        text.extend(tail);
    }
    text
}

/// Says that there is no result.
pub(super) fn too_long(claim: &Claim) {
    say(format_args!(
        "{} {}: acknowledged without a result, because its output is larger than 1 MiB",
        claim.queue, claim.id
    ));
}

/// Sends the end of a task until it is heard.
pub(super) fn tell(shared: &Shared, claim: &Claim, outcome: Outcome) {
    let mut outcome = outcome;
    let mut pause = Pause::new(LONGEST_PAUSE);
    let mut is_repeated = false;
    while let Some(command) = outcome.command(claim) {
        let error = match send(shared, claim, &command) {
            Ok(()) => return,
            Err(error) => error,
        };
        match &error {
            CallError::Server { code, .. } => match &code[..] {
                // It was heard before, and only the reply was lost.
                "NOTASK" | "STALE" if is_repeated => return,
                "NOTASK" | "STALE" => return say(format_args!("{} {}: {error}", claim.queue, claim.id)),
                "TOOBIG" if matches!(outcome, Outcome::Done(Some(_))) => {
                    say(format_args!(
                        "{} {}: acknowledged without its result: {error}",
                        claim.queue, claim.id
                    ));
                    outcome = Outcome::Done(None);
                    continue;
                }
                _ if !shared.connector.may_pass(&error) => {
                    let failure = shared.connector.failure(&error);
                    let _ = shared.events.send(Event::Refused(failure));
                    return;
                }
                _ => {}
            },
            _ => is_repeated = true,
        }
        pause.sleep();
    }
}

fn send(shared: &Shared, claim: &Claim, command: &Cmd) -> Result<(), CallError> {
    let mut link = match shared.links.take() {
        Some(link) => link,
        None => shared.connector.open(&claim.queue, PATIENCE)?,
    };
    match link.call(command, PATIENCE) {
        Err(error @ (CallError::Silent | CallError::Closed(_) | CallError::Refused(_))) => Err(error),
        heard => {
            shared.links.give_back(link);
            heard.map(|_| ())
        }
    }
}

/// Connections that nobody uses at the moment.
#[derive(Default)]
pub(super) struct Links(std::sync::Mutex<Vec<Link>>);

impl Links {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self) -> Option<Link> {
        self.lock().pop()
    }

    fn give_back(&self, link: Link) {
        self.lock().push(link);
    }
}
