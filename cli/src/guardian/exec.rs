//! The unsafe part: what happens between fork and exec, and the file that crosses it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Lets the process that this command starts, and no other, inherit this file; its number there.
pub(super) fn inherit(command: &mut Command, file: OwnedFd) -> RawFd {
    let number = file.as_raw_fd();
    // SAFETY: one system call, which is async-signal-safe; the closure owns the file, so it is open until then.
    unsafe { command.pre_exec(move || Ok(fcntl_setfd(&file, FdFlags::empty())?)) };
    number
}

/// Takes over an inherited file, which no child of ours is to inherit again.
pub(super) fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: called once, as the first thing in the process, with the number that `inherit` has passed. Of a number
    // that somebody types, the next line says whether it is open, and nothing else uses it.
    let file = unsafe { OwnedFd::from_raw_fd(number.max(0)) };
    if let Err(error) = fcntl_getfd(&file) {
        // It is not open, so it must not be closed.
        std::mem::forget(file);
        return Err(error.into());
    }
    fcntl_setfd(&file, FdFlags::CLOEXEC)?;
    Ok(file)
}

/// Has the kernel kill the process that this command starts when the thread that starts it ends.
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    // SAFETY: two system calls, which are async-signal-safe, without memory of the parent.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // It may have ended before that call.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(Errno::SRCH.into())
            }
        })
    };
}
