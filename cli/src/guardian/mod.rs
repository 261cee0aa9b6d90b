//! The guardian: a process of its own that parents the program and holds its fuse. A thread would not do, as it stops
//! with us: under SIGSTOP, in swap, in a connect that hangs.
//!
//! It ends the program and all its descendants when its fuse blows, and when we are gone. When the guardian is gone,
//! the kernel kills the program and we its descendants, as both of us are child subreapers.

mod charge;
pub(crate) mod clock;
mod descendants;
mod exec;
mod held;
mod watch;
mod wire;

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, getpid, set_child_subreaper};

use crate::failure::{USAGE, say};
pub(crate) use charge::Charge;
use descendants::children;
pub(crate) use exec::die_with_parent;
pub(crate) use held::Program;
pub(crate) use wire::{End, Fuse, Report};

/// The hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "__guardian";

/// The guardians of this process, and with them what it is the subreaper of.
#[derive(Clone)]
pub(crate) struct Guardians {
    /// Our children that are not to be ended: guardians, and those that we were started with.
    spared: Arc<Mutex<HashSet<Pid>>>,
}

impl Guardians {
    /// Makes this process a child subreaper.
    pub(crate) fn new() -> io::Result<Guardians> {
        set_child_subreaper(Some(getpid()))?;
        let ours = children(getpid())?;
        Ok(Guardians {
            spared: Arc::new(Mutex::new(ours.into_iter().collect())),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Pid>> {
        self.spared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what a guardian has left behind that was killed.
    fn end_orphans(&self) {
        descendants::end(
            || {
                let spared = self.lock();
                let ours = children(getpid()).unwrap_or_default();
                ours.into_iter().filter(|child| !spared.contains(child)).collect()
            },
            |_, _| {},
        );
    }
}

/// Whether fuses are off, which only tests can ask for.
fn fuses_are_off() -> bool {
    cfg!(feature = "no-fuse") && std::env::var_os("STEWARD_NO_FUSE").is_some()
}

/// The guardian itself: `steward __guardian FD program args`.
pub(crate) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    // It is executed as /proc/self/exe.
    let _ = rustix::thread::set_name(c"steward");
    let control = args.next().and_then(|fd| fd.to_str()?.parse().ok());
    let program: Vec<OsString> = args.collect();
    let control = control
        .ok_or(std::io::ErrorKind::InvalidInput.into())
        .and_then(exec::adopt);
    match control.and_then(|control| watch::run(control, &program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("the guardian, which only steward itself starts: {error}"));
            ExitCode::from(USAGE)
        }
    }
}
