//! What systemd is told, if it asks, and who sits at a terminal. That nobody listens is no reason to end.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use sd_notify::NotifyState;

use crate::failure::say;

pub(crate) fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

pub(crate) fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Tells that we stand by.
pub(crate) fn standby(leader: Option<&str>) {
    status(&match leader {
        Some(leader) => format!("standby: {leader} leads"),
        None => "standby: nobody leads yet".into(),
    });
}

/// Tells that we lead.
pub(crate) fn leads(epoch: u64) {
    status(&format!("leader: epoch {epoch}"));
}

/// Tells what we work on.
pub(crate) fn works(worker: &str, queues: &[String]) {
    status(&format!("worker {worker} of {}", queues.join(", ")));
}

/// A terminal sees each change once: who waits there need not wonder.
fn status(text: &str) {
    static LAST: Mutex<String> = Mutex::new(String::new());
    let _ = sd_notify::notify(&[NotifyState::Status(text)]);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last != text && std::io::stderr().is_terminal() {
        say(text);
    }
    *last = text.into();
}
