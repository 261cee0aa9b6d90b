//! A process as a member of a service: its registration, its heartbeats, its candidacy.

use std::time::Duration;

use redis::{Cmd, cmd};

use super::{CallError, Link};
use crate::process::Process;

/// Field of META: the epoch in which the leader's program was started.
pub(crate) const FIRST_EPOCH: &str = "first_epoch";

/// A member, as it registers and beats.
#[derive(Clone)]
pub(crate) struct Member {
    pub service: String,
    pub name: String,
    pub ttl: Duration,
    /// How long it stays a member after its connection was closed.
    pub grace: Duration,
    /// What proves that it is us; none before the first registration was answered.
    pub token: Option<u64>,
    /// The process that the register shows.
    pub process: Process,
    /// A field that the register shows with it.
    pub meta: Option<(&'static str, String)>,
}

/// The answer to a registration.
pub(crate) enum Registered {
    /// We are a member, leading in this epoch if there is one.
    In { token: u64, epoch: Option<u64> },
    /// Another process has the name: who and where.
    Held(String),
}

/// The answer to a heartbeat.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    pub epoch: Option<u64>,
    pub leader: Option<String>,
    pub leads: bool,
}

impl Member {
    fn command(&self, name: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(&self.service).arg(&self.name);
        command
    }

    /// Registers, or resumes with its token, and binds it to this connection.
    pub(crate) fn register(&mut self, link: &mut Link, patience: Duration) -> Result<Registered, CallError> {
        let mut command = self.command("PID.REGISTER");
        command.arg(self.process.pid).arg("HOST").arg(&self.process.host);
        command
            .arg("START")
            .arg(&self.process.start)
            .arg("BOOT")
            .arg(&self.process.boot);
        command
            .arg("TTL")
            .arg(super::millis(self.ttl))
            .arg("BIND")
            .arg("GRACE")
            .arg(super::millis(self.grace));
        if let Some(token) = self.token {
            command.arg("TOKEN").arg(token);
        }
        if let Some((field, value)) = &self.meta {
            command.arg("META").arg(1).arg(*field).arg(value);
        }
        let reply = link.call(&command, patience)?.fields();
        let Some(token) = reply.get("token").and_then(super::Reply::number) else {
            let holder = reply.get("holder").map(super::Reply::fields).unwrap_or_default();
            let part = |name: &str| {
                holder
                    .get(name)
                    .and_then(super::Reply::text)
                    .unwrap_or_else(|| "?".into())
            };
            return Ok(Registered::Held(format!("pid {} on {}", part("pid"), part("host"))));
        };
        self.token = Some(token);
        let epoch = reply.get("epoch").and_then(super::Reply::number);
        Ok(Registered::In { token, epoch })
    }

    /// A heartbeat.
    pub(crate) fn beat(&self, link: &mut Link, patience: Duration) -> Result<Beat, CallError> {
        let mut command = self.command("HB.BEAT");
        command.arg("TOKEN").arg(self.token.unwrap_or(0));
        let reply = link.call(&command, patience)?;
        Ok(beat_in(&reply))
    }

    /// Stands in line and, with `block`, waits until it leads; none when that time ran out.
    pub(crate) fn campaign(
        &self,
        link: &mut Link,
        block: Option<Duration>,
        patience: Duration,
    ) -> Result<Option<Beat>, CallError> {
        let mut command = self.command("HB.CAMPAIGN");
        command.arg(self.token.unwrap_or(0));
        if let Some(block) = block {
            command.arg("BLOCK").arg(super::millis(block));
        }
        let reply = link.call(&command, patience + block.unwrap_or_default())?;
        Ok((!reply.is_null()).then(|| beat_in(&reply)))
    }

    /// Waits for so long, on a connection that shows at once when it is closed; whether it was declared dead meanwhile.
    /// Counts as a heartbeat when it begins.
    pub(crate) fn wait_for_end(&self, link: &mut Link, wait: Duration, patience: Duration) -> Result<bool, CallError> {
        let mut command = self.command("PID.AWAIT");
        command.arg("DOWN").arg("BLOCK").arg(super::millis(wait));
        Ok(!link.call(&command, wait + patience)?.is_null())
    }

    /// Leaves. If it led, the next in line leads at once.
    pub(crate) fn deregister(&self, link: &mut Link, patience: Duration) -> Result<(), CallError> {
        let mut command = self.command("PID.DEREGISTER");
        command.arg("TOKEN").arg(self.token.unwrap_or(0));
        link.call(&command, patience).map(|_| ())
    }
}

fn beat_in(reply: &super::Reply) -> Beat {
    let fields = reply.fields();
    let text = |name: &str| fields.get(name).and_then(super::Reply::text);
    Beat {
        epoch: fields.get("epoch").and_then(super::Reply::number),
        leader: text("leader"),
        leads: text("role").as_deref() == Some("leader"),
    }
}
