//! Programs that run, with a mark in their environment by which all their descendants are found.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

/// The variable that marks a program and its descendants.
const MARK: &str = "TEST_MARK";

pub(crate) struct Running {
    child: Child,
    mark: String,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Running {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let child = command.env(MARK, &mark).stderr(Stdio::piped()).spawn().unwrap();
        Running { child, mark }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Sends a signal, and waits until it has taken it: another of the kind that comes earlier is lost.
    #[track_caller]
    pub(crate) fn deliver(&self, signal: Signal) {
        self.signal(signal);
        let is_pending = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
            let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
            let pending = pending.map_or(0, |bits| u64::from_str_radix(bits.trim(), 16).unwrap());
            pending >> (signal.as_raw() - 1) & 1 == 1
        };
        wait_until("it takes the signal", || !is_pending());
    }

    /// Sends a signal again and again until it ends: of several that come at once it hears one.
    #[track_caller]
    pub(crate) fn insist(&mut self, signal: Signal) {
        wait_until("it ends", || {
            // It may end at any time.
            let _ = kill_process(Pid::from_raw(self.pid()).unwrap(), signal);
            self.has_ended()
        });
    }

    /// The line that it has written to its standard output, a pipe.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim_end().to_string()
    }

    /// Its standard output, a pipe.
    pub(crate) fn take_output(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// What it has written to its standard output, a pipe, until it was closed.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.take_output().read_to_string(&mut rest).unwrap();
        rest
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and returns its code and what it has said.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let status = self.wait();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said.trim_end().to_string())
    }

    /// The guardian that it has started.
    #[track_caller]
    pub(crate) fn guardian(&self) -> i32 {
        let mut found = None;
        wait_until("it has a guardian", || {
            found = self.left().into_iter().find(|&pid| {
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                words.split(|&byte| byte == 0).nth(1) == Some(b"__guardian")
            });
            found.is_some()
        });
        found.unwrap()
    }

    /// It and its descendants that run, wherever they are.
    pub(crate) fn left(&self) -> Vec<i32> {
        let mark = format!("{MARK}={}", self.mark);
        let pids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let has_mark = |pid: &i32| {
            let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            variables
                .split(|&byte| byte == 0)
                .any(|variable| variable == mark.as_bytes())
        };
        pids.filter(has_mark).collect()
    }

    /// Waits until nothing of it runs.
    #[track_caller]
    pub(crate) fn wait_until_nothing_is_left(&self) {
        wait_until("nothing is left", || self.left().is_empty());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for pid in self.left() {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal.
#[track_caller]
pub(crate) fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}
