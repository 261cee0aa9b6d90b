//! The life of a server's process: signals, its end, its next start.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::server::{PATIENCE, Server};

impl Server {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: i32) {
        let pid = self.child.as_ref().expect("the server runs").id();
        // SAFETY: a plain system call on a child that has not been waited for.
        #[allow(unsafe_code)]
        let sent = unsafe { libc::kill(i32::try_from(pid).unwrap(), signal) };
        assert_eq!(sent, 0);
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill_9(&mut self) {
        self.signal(libc::SIGKILL);
        self.wait_for_end();
    }

    /// Whether it was killed or stopped, and not started again.
    pub(crate) fn is_down(&self) -> bool {
        self.child.is_none()
    }

    /// Asks it to stop, and waits.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal(libc::SIGTERM);
        self.wait_for_end();
    }

    /// Waits until the process has ended by itself.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) {
        let child = self.child.as_mut().expect("the server runs");
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.child = None;
    }

    /// Restarts it in the same directory, with additional settings.
    #[track_caller]
    pub(crate) fn start_again(&mut self, settings: &[(&str, &str)]) {
        assert!(self.child.is_none(), "the server still runs");
        for (name, value) in settings {
            self.builder.settings.push(((*name).into(), (*value).into()));
        }
        assert!(self.launch(), "the server does not start again:\n{}", self.log_tail());
    }

    /// Restarts it with the redis.conf that it has written itself.
    #[track_caller]
    pub(crate) fn start_again_as_written(&mut self) {
        assert!(self.spawn(), "the server does not start again:\n{}", self.log_tail());
    }

    /// Restarts it without the module.
    #[track_caller]
    pub(crate) fn start_again_plain(&mut self) {
        self.builder.module = false;
        self.builder.settings.retain(|(name, _)| !name.starts_with("steward."));
        self.start_again(&[]);
    }
}

/// Makes sure that a killed test leaves no server behind.
pub(crate) fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl is async-signal-safe and touches only the child.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
