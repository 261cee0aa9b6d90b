//! A program under a guardian, and the deadlines that we keep ourselves, in case the guardian does not.

use std::io;
use std::time::Duration;

use rustix::process::Signal;

use super::clock::Moment;
use super::held::{Guardian, Program};
use super::wire::{Fuse, Report};
use super::{Guardians, fuses_are_off};

/// How long the guardian may take to do what it is told, or what its fuse says.
const OBEDIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Charge {
    guardian: Guardian,
    fuse: Option<Fuse>,
    /// When the program is killed that was asked to end.
    kill_at: Option<Moment>,
    is_stopping: bool,
    is_killed: bool,
}

impl Charge {
    /// Starts it. Reports come from a thread of their own; the last one is always `Gone`.
    pub(crate) fn start(
        guardians: &Guardians,
        program: Program,
        fuse: Fuse,
        report: impl FnMut(Report) + Send + 'static,
    ) -> io::Result<Charge> {
        Ok(Charge {
            guardian: Guardian::start(guardians, program, fuse, report)?,
            fuse: Some(fuse),
            kill_at: None,
            is_stopping: false,
            is_killed: false,
        })
    }

    /// Gives it another deadline. One that is being killed gets none.
    pub(crate) fn set_fuse(&mut self, fuse: Fuse) {
        if !self.is_killed {
            self.guardian.set_fuse(fuse);
            self.fuse = Some(fuse);
        }
    }

    /// Gives it this deadline if it is sooner.
    pub(crate) fn shorten(&mut self, fuse: Fuse) {
        if self.fuse.is_some_and(|before| fuse.kill < before.kill) {
            self.set_fuse(fuse);
        }
    }

    /// Passes a signal on to the program.
    pub(crate) fn signal(&self, signal: i32) {
        self.guardian.signal(signal);
    }

    /// Asks the program to end, and kills it after this time; when it was asked before, now.
    pub(crate) fn stop(&mut self, grace: Duration) {
        if self.is_stopping {
            return self.kill();
        }
        self.signal(Signal::TERM.as_raw());
        self.is_stopping = true;
        self.kill_at = Some(Moment::now().after(grace));
    }

    /// Kills the program and its descendants.
    pub(crate) fn kill(&mut self) {
        self.guardian.kill();
        self.is_killed = true;
        let now = Moment::now();
        self.fuse = Some(Fuse { term: now, kill: now });
        self.kill_at = None;
    }

    /// When to call `check`.
    pub(crate) fn next(&self) -> Option<Moment> {
        let overdue = self
            .fuse
            .filter(|_| !fuses_are_off())
            .map(|fuse| fuse.kill.after(OBEDIENCE));
        self.kill_at.into_iter().chain(overdue).min()
    }

    /// Kills the program if it has not ended in time, and the guardian if it has not done that.
    pub(crate) fn check(&mut self) {
        if self.next().is_none_or(|at| !at.left().is_zero()) {
            return;
        }
        if self.kill_at.is_some_and(|at| at.left().is_zero()) {
            return self.kill();
        }
        self.guardian.kill_all();
        self.fuse = None;
    }
}
