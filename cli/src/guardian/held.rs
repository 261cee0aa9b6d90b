//! Our side: starting a guardian, what it is told, and what happens when it is gone.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

use super::wire::{Fuse, Order, Report};
use super::{Guardians, SUBCOMMAND, exec};

/// What to run.
pub(crate) struct Program {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Added to the environment.
    pub variables: Vec<(String, OsString)>,
    /// Its standard input, output and error, which neither we nor the guardian keep open: ends of `std::io::pipe`, for
    /// one who reads and writes the others.
    pub stdio: [Stdio; 3],
}

/// A guardian and the program that it parents.
pub(super) struct Guardian {
    control: UnixStream,
    pid: Pid,
    /// Cleared when it was waited for, after which its number may be that of another.
    is_there: Arc<Mutex<bool>>,
}

impl Guardian {
    /// Starts a guardian that starts this program. It reports in a thread of its own; the last report is always `Gone`.
    pub(super) fn start(
        guardians: &Guardians,
        program: Program,
        fuse: Fuse,
        report: impl FnMut(Report) + Send + 'static,
    ) -> io::Result<Guardian> {
        let (mut ours, theirs) = UnixStream::pair()?;
        // Before the program is started.
        Order::Fuse(fuse).write(&mut ours)?;
        let mut command = Command::new("/proc/self/exe");
        let number = exec::inherit(&mut command, theirs.into());
        command
            .arg0("steward")
            .arg(SUBCOMMAND)
            .arg(number.to_string())
            .args(program.words);
        command.envs(program.variables);
        // What a service manager tells us is not for it.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] {
            command.env_remove(name);
        }
        let [stdin, stdout, stderr] = program.stdio;
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let mut spared = guardians.lock();
        let child = command.spawn()?;
        // Which holds their end of the socket, and those of pipes: without this we would never see them close.
        drop(command);
        let pid = Pid::from_child(&child);
        spared.insert(pid);
        drop(spared);
        let guardian = Guardian {
            control: ours.try_clone()?,
            pid,
            is_there: Arc::new(Mutex::new(true)),
        };
        // One that is stopped must not stop us.
        guardian
            .control
            .set_write_timeout(Some(std::time::Duration::from_millis(1)))?;
        let ear = Ear {
            guardians: guardians.clone(),
            is_there: Arc::clone(&guardian.is_there),
            child,
        };
        std::thread::Builder::new().spawn(move || ear.listen(ours, report))?;
        Ok(guardian)
    }

    /// Replaces the fuse.
    pub(super) fn set_fuse(&self, fuse: Fuse) {
        self.tell(Order::Fuse(fuse));
    }

    /// Passes a signal on to the program.
    pub(super) fn signal(&self, signal: i32) {
        self.tell(Order::Signal(signal));
    }

    /// Kills the program and its descendants.
    pub(super) fn kill(&self) {
        self.tell(Order::Kill);
    }

    /// Kills the guardian too, when it does not do what it is told: the kernel kills the program, and we the rest.
    pub(super) fn kill_all(&self) {
        self.send(Signal::KILL);
    }

    fn tell(&self, order: Order) {
        // Someone may have stopped it.
        self.send(Signal::CONT);
        if order.write(&mut &self.control).is_err() {
            self.kill_all();
        }
    }

    fn send(&self, signal: Signal) {
        let is_there = self.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_there {
            let _ = kill_process(self.pid, signal);
        }
    }
}

/// Hears what a guardian reports.
struct Ear {
    guardians: Guardians,
    is_there: Arc<Mutex<bool>>,
    child: Child,
}

impl Ear {
    fn listen(mut self, mut from: UnixStream, mut report: impl FnMut(Report)) {
        let mut is_gone = false;
        while let Ok(heard) = Report::read(&mut from) {
            is_gone = heard == Report::Gone;
            if !is_gone {
                report(heard);
            }
        }
        // Not waited for as long as another thread may send it a signal.
        let pid = Pid::from_child(&self.child);
        let _ = rustix::process::waitid(
            rustix::process::WaitId::Pid(pid),
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
        );
        let mut is_there = self.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        *is_there = false;
        drop(is_there);
        let mut spared = self.guardians.lock();
        let _ = self.child.wait();
        spared.remove(&pid);
        drop(spared);
        if !is_gone {
            self.guardians.end_orphans();
        }
        report(Report::Gone);
    }
}
