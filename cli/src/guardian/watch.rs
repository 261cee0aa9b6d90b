//! The guardian's own life: waits for orders, for the ends of children, and for its fuse.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper, wait};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};

use super::descendants::{children, end};
use super::exec::die_with_parent;
use super::wire::{End, Fuse, Order, Report};
use crate::signals::is_ignored;

/// What a terminal or a service manager sends to all processes of a group; the guardian is the last to go.
const IGNORED: [i32; 10] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM,
];

struct Watch {
    control: UnixStream,
    /// Readable when a child has ended.
    ends: UnixStream,
    timer: OwnedFd,
    fuse: Option<Fuse>,
    is_blown: bool,
    program: Option<Pid>,
}

/// Starts the program, and returns when nothing of it is left.
pub(super) fn run(control: OwnedFd, words: &[OsString]) -> io::Result<()> {
    // Handlers that do nothing: signals that are ignored would be ignored in the program as well.
    for signal in IGNORED.into_iter().filter(|&signal| !is_ignored(signal)) {
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    let (ends, ending) = UnixStream::pair()?;
    ends.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGCHLD, ending)?;
    set_child_subreaper(Some(getpid()))?;
    let mut watch = Watch {
        control: UnixStream::from(control),
        ends,
        timer: timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?,
        fuse: None,
        is_blown: false,
        program: None,
    };
    watch.obey()?;
    watch.start(words);
    while watch.program.is_some() && watch.goes_on() {}
    watch.end_all();
    watch.report(Report::Gone);
    Ok(())
}

impl Watch {
    fn start(&mut self, words: &[OsString]) {
        let Some((program, args)) = words.split_first() else {
            return;
        };
        let mut command = Command::new(program);
        command.args(args);
        die_with_parent(&mut command);
        match command.spawn() {
            Ok(child) => {
                self.program = Some(Pid::from_child(&child));
                self.report(Report::Started(child.id()));
            }
            Err(error) => self.report(Report::NotStarted(error.raw_os_error().unwrap_or(0))),
        }
        // It alone is to have these: whoever reads its output sees it end.
        if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdin(&null);
            let _ = rustix::stdio::dup2_stdout(&null);
            let _ = rustix::stdio::dup2_stderr(&null);
        }
    }

    fn report(&self, report: Report) {
        // Without a reader we are about to end anyway.
        let _ = report.write(&mut &self.control);
    }

    /// Waits for something to happen; false when everything is to end.
    fn goes_on(&mut self) -> bool {
        let mut fds = [
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::new(&self.ends, PollFlags::IN),
            PollFd::new(&self.timer, PollFlags::IN),
        ];
        if poll(&mut fds, None).is_err() {
            // Interrupted by a signal.
            return true;
        }
        let [hears, ended, rings] = fds.map(|fd| !fd.revents().is_empty());
        if ended {
            let mut bytes = [0; 64];
            while matches!((&self.ends).read(&mut bytes), Ok(1..)) {}
            self.reap();
        }
        if hears && !self.obey().is_ok_and(|goes_on| goes_on) {
            return false;
        }
        !rings || self.blow()
    }

    /// Reads one order; false when everything is to end. An error when nobody is left to give any.
    fn obey(&mut self) -> io::Result<bool> {
        match Order::read(&mut self.control)? {
            Order::Fuse(fuse) if !self.is_blown => {
                self.fuse = Some(fuse);
                self.wind()?;
            }
            Order::Fuse(_) => {}
            Order::Signal(signal) => self.signal(Signal::from_named_raw(signal)),
            Order::Kill => return Ok(false),
        }
        Ok(true)
    }

    fn signal(&self, signal: Option<Signal>) {
        // Only we wait for it, so the number is its own.
        if let (Some(program), Some(signal)) = (self.program, signal) {
            let _ = kill_process(program, signal);
        }
    }

    /// Sets the timer to what comes next.
    fn wind(&self) -> io::Result<()> {
        let Some(fuse) = self.fuse.filter(|_| !super::fuses_are_off()) else {
            return Ok(());
        };
        let next = if self.is_blown {
            fuse.kill
        } else {
            fuse.term.min(fuse.kill)
        };
        let at = Itimerspec {
            it_interval: Timespec::default(),
            it_value: next.timespec(),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &at)?;
        Ok(())
    }

    /// The fuse has blown; false when it is time to kill.
    fn blow(&mut self) -> bool {
        let is_over = self.fuse.is_none_or(|fuse| fuse.kill.left().is_zero());
        if !self.is_blown {
            self.is_blown = true;
            self.report(Report::Blown);
        }
        if is_over {
            return false;
        }
        self.signal(Some(Signal::TERM));
        // Without a timer nothing would end it.
        self.wind().is_ok()
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.ended(pid, status);
        }
    }

    fn ended(&mut self, pid: Pid, status: WaitStatus) {
        if self.program == Some(pid) {
            self.program = None;
            let byte = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
            let end = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => End::Code(byte(code)),
                (None, signal) => End::Signal(byte(signal.unwrap_or(0))),
            };
            self.report(Report::Ended(end));
        }
    }

    fn end_all(&mut self) {
        end(
            || children(getpid()).unwrap_or_default(),
            |pid, status| self.ended(pid, status),
        );
    }
}
