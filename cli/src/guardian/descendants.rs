//! Finding and ending all descendants of a process that is their subreaper: whoever loses its parent becomes its child.
//!
//! A cgroup of their own would end them in one write, but to enter one takes a lock of the whole system, which slowed
//! take-overs by up to 200 ms.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

/// The children of all threads of a process; an error without /proc or the kernel's CONFIG_PROC_CHILDREN.
pub(super) fn children(of: Pid) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{of}/task"))? {
        let list = match fs::read_to_string(thread?.path().join("children")) {
            Ok(list) => list,
            // A thread that has just ended; its children are listed with another.
            Err(_) if found_thread(of) => continue,
            Err(error) => return Err(error),
        };
        let pids = list
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        found.extend(pids);
    }
    Ok(found)
}

/// Whether the first thread, which is there as long as the process, lists children.
fn found_thread(of: Pid) -> bool {
    fs::exists(format!("/proc/{of}/task/{of}/children")).unwrap_or(false)
}

/// Kills these children and their descendants, again and again, until there are none. Tells the end of each child.
///
/// One that forks meanwhile leaves children to us, which the next round finds. One that may not be killed, or sleeps in
/// the kernel, is waited for.
pub(super) fn end(ours: impl Fn() -> Vec<Pid>, mut ended: impl FnMut(Pid, WaitStatus)) {
    let start = Instant::now();
    loop {
        let left = ours();
        if left.is_empty() {
            return;
        }
        left.iter().for_each(|&child| kill_tree(child));
        for child in left {
            if let Ok(Some((pid, status))) = waitpid(Some(child), WaitOptions::NOHANG) {
                ended(pid, status);
            }
        }
        let is_long = start.elapsed() > Duration::from_secs(1);
        std::thread::sleep(Duration::from_micros(if is_long { 20_000 } else { 500 }));
    }
}

/// Kills a process, then its descendants: first the one that could make more.
fn kill_tree(root: Pid) {
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        let below = children(pid).unwrap_or_default();
        let _ = kill_process(pid, Signal::KILL);
        next.extend(below);
    }
}
