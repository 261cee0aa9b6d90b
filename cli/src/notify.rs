//! What systemd is told, if it asks. That it does not listen is no reason to end.

use sd_notify::NotifyState;

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

fn status(text: &str) {
    let _ = sd_notify::notify(&[NotifyState::Status(text)]);
}
