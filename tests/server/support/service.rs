//! Services with many members, and what happened to them.

use super::client::Client;
use super::value::Value;

impl Client {
    /// Registers the members m0, m1, ... with these options; returns their tokens.
    #[track_caller]
    pub(crate) fn register_many(&mut self, service: &str, count: usize, options: &str) -> Vec<i64> {
        let replies = self.pipeline((0..count).map(|n| format!("PID.REGISTER {service} m{n} {} {options}", n + 1)));
        replies.iter().map(|reply| reply.field("token").int()).collect()
    }

    /// How many members are stored.
    #[track_caller]
    pub(crate) fn member_count(&mut self, service: &str) -> i64 {
        self.must(&format!("HLEN proc:{{{service}}}:members")).int()
    }

    /// The members that died and why, in the order of the events: `a ttl`.
    #[track_caller]
    pub(crate) fn deaths(&mut self, service: &str) -> Vec<String> {
        let events = self.events(service);
        let down = events.iter().filter_map(|line| line.strip_prefix("down "));
        down.map(|line| line.replace("reason=", "")).collect()
    }

    /// When the first member died, by the event's id, unix ms.
    #[track_caller]
    pub(crate) fn first_death(&mut self, service: &str) -> Option<i64> {
        let entries = self.must(&format!("XRANGE proc:{{{service}}}:events - +"));
        let first = entries
            .items()
            .iter()
            .find(|entry| entry.item(1).field("type") == "'down'")?;
        let id = first.item(0).text();
        id.split('-').next().and_then(|ms| ms.parse().ok())
    }

    /// A heartbeat with a token; returns the role, or the code of the error.
    #[track_caller]
    pub(crate) fn beat(&mut self, service: &str, member: &str, token: i64) -> String {
        match self.call(&format!("HB.BEAT {service} {member} TOKEN {token}")) {
            Value::Error(text) => text.split(' ').next().unwrap_or_default().into(),
            reply => reply.field("role").text(),
        }
    }
}

/// The names from m<from> up to, but not including, m<to>, each with its cause of death, sorted.
pub(crate) fn all_dead(from: usize, to: usize, reason: &str) -> Vec<String> {
    let mut lines: Vec<String> = (from..to).map(|n| format!("m{n} {reason}")).collect();
    lines.sort();
    lines
}
