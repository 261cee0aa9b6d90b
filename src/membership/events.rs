//! The event stream of a service: one entry for every change.

use crate::config::ModuleConfig;
use crate::error::{Error, Result};
use crate::membership::liveness::Reason;
use crate::membership::service::Service;

/// What happened to a member.
#[derive(Clone, Debug)]
pub(crate) enum Event<'a> {
    /// It registered: for the first time, or replacing another.
    Up(&'a str),
    /// It is no longer a member.
    Down(&'a Reason),
    /// It became the leader, with this epoch.
    Leader(u64),
    /// It lost the lead of this epoch.
    Resigned(u64),
    /// It was given a standing signal.
    Signal(&'a str),
}

impl Event<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Event::Up(_) => "up",
            Event::Down(_) => "down",
            Event::Leader(_) => "leader",
            Event::Resigned(_) => "resigned",
            Event::Signal(_) => "signal",
        }
    }

    fn epoch(&self) -> String {
        match self {
            Event::Leader(epoch) | Event::Resigned(epoch) => epoch.to_string(),
            Event::Up(_) | Event::Down(_) | Event::Signal(_) => String::new(),
        }
    }

    fn reason(&self) -> &str {
        match self {
            Event::Up(word) | Event::Signal(word) => word,
            Event::Down(reason) => reason.text(),
            Event::Leader(_) | Event::Resigned(_) => "",
        }
    }
}

impl Service<'_> {
    /// Adds an entry about a member in memory to the stream; `*` stands for all. Every entry has all fields, those
    /// without a value empty.
    pub(crate) fn emit(&mut self, member: &str, event: &Event<'_>) -> Result<()> {
        let record = self.member(member).map(|member| &member.record);
        let pid = record.and_then(|record| record.pid);
        let pid = pid.map(|pid| pid.to_string()).unwrap_or_default();
        let host = record.and_then(|record| record.host.clone()).unwrap_or_default();
        let epoch = event.epoch();
        let fields: [(&[u8], &[u8]); 6] = [
            (b"type", event.kind().as_bytes()),
            (b"member", member.as_bytes()),
            (b"pid", pid.as_bytes()),
            (b"host", host.as_bytes()),
            (b"epoch", epoch.as_bytes()),
            (b"reason", event.reason().as_bytes()),
        ];
        let ModuleConfig {
            events, events_retain, ..
        } = self.context.config;
        let most = usize::try_from(events).unwrap_or(usize::MAX);
        let over = self.context.wall.after(events_retain);
        self.state.names.wake_at_wall(&self.name, over);
        match self.keys.xadd(self.name.events(), None, &fields, most) {
            Err(Error::Internal) => {
                // The ids of the stream may have been used up by a foreign entry; that must not fail the transaction.
                self.log_skip("a stream of events that takes no more");
                Ok(())
            }
            added => added.map(|_| ()),
        }
    }
}
