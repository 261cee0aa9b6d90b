//! Replies about members and the lead, for commands and for waits that end.

use crate::error::Result;
use crate::membership::register::Registered;
use crate::membership::service::Service;
use crate::reply::Reply;

impl Service<'_> {
    /// The reply to a registration.
    pub(crate) fn render_registered(&self, registered: &Registered) -> Reply {
        let number = |number: Option<u64>| number.map_or(Reply::Null, Reply::number);
        let fields = match registered {
            Registered::In {
                status,
                token,
                epoch,
                ttl,
            } => [
                Reply::Word(status.word()),
                number(*token),
                number(*epoch),
                Reply::Int(*ttl),
                Reply::Null,
                Reply::Null,
            ],
            Registered::Held {
                holder, epoch, retry, ..
            } => [
                Reply::Word("held"),
                Reply::Null,
                number(*epoch),
                Reply::Null,
                holder.as_ref().map_or(Reply::Null, |holder| self.render_holder(holder)),
                Reply::int_or_null(*retry),
            ],
        };
        let names = ["status", "token", "epoch", "ttl_ms", "holder", "retry_ms"];
        Reply::Map(names.into_iter().zip(fields).collect())
    }

    /// The holder, with what a pid file would contain.
    fn render_holder(&self, holder: &str) -> Reply {
        let member = self.member(holder);
        let record = member.map(|member| &member.record);
        let host = record.and_then(|record| record.host.clone());
        let remaining = member.and_then(|member| self.remaining(member));
        Reply::Map(vec![
            ("member", Reply::text(holder)),
            ("pid", Reply::int_or_null(record.and_then(|record| record.pid))),
            ("host", host.map_or(Reply::Null, Reply::text)),
            ("remaining_ms", Reply::int_or_null(remaining)),
        ])
    }

    /// The role of a member in the election.
    pub(crate) fn render_standing(&mut self, member: &str) -> Result<Reply> {
        let leadership = self.leadership()?;
        let leader = self.leader()?;
        let leads = leader.as_deref() == Some(member);
        let before = self.keys.zrank(self.name.candidates(), member.as_bytes())?;
        let position = before.filter(|_| !leads).map(|before| before + 1);
        let reclaim = match &leader {
            Some(_) => 0,
            None => self.reclaim_left()?,
        };
        let epoch = leader.as_ref().map(|_| leadership.epoch);
        Ok(Reply::Map(vec![
            ("role", role(leads, position.is_some())),
            ("epoch", epoch.map_or(Reply::Null, Reply::number)),
            ("leader", leader.as_deref().map_or(Reply::Null, Reply::text)),
            ("position", position.map_or(Reply::Null, Reply::count)),
            ("reclaim_ms", Reply::Int(reclaim)),
        ]))
    }
}

/// The word for a member's role.
pub(crate) fn role(leads: bool, is_candidate: bool) -> Reply {
    Reply::Word(match (leads, is_candidate) {
        (true, _) => "leader",
        (false, true) => "candidate",
        (false, false) => "member",
    })
}
