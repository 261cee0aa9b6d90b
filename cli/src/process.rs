//! What identifies a process: its number, its start, the boot of its host, and that host.

use std::fs;
use std::io;

/// One process and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    pub host: String,
    /// Ticks since the boot.
    pub start: String,
    /// Id of the boot.
    pub boot: String,
}

impl Process {
    /// A process of this host.
    pub(crate) fn of(pid: u32) -> io::Result<Process> {
        Ok(Process {
            pid,
            host: host(),
            start: start_of(pid)?,
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().into(),
        })
    }

    /// Whether it still runs, here.
    pub(crate) fn is_running(&self) -> bool {
        Process::of(self.pid).is_ok_and(|known| known == *self)
    }
}

/// The name of this host.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// When a process started; an error when it has ended, even if nobody has waited for it yet.
fn start_of(pid: u32) -> io::Result<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before may contain anything, also parentheses.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let mut fields = after.split(' ');
    match (fields.next(), fields.nth(18)) {
        (Some(state), Some(start)) if state != "Z" && state != "X" => Ok(start.into()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "the process has ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_runs_until_it_has_ended_even_before_it_is_waited_for() {
        let ours = Process::of(std::process::id()).unwrap();
        assert!(ours.is_running());
        let reused = Process {
            start: "1".into(),
            ..ours.clone()
        };
        assert!(!reused.is_running());
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let known = Process::of(child.id()).unwrap();
        assert!(known.is_running());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while known.is_running() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!known.is_running());
    }
}
