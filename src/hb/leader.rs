//! HB.LEADER: the current leader.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::service::Service;
use crate::reply::Reply;

arguments! {
    pub(crate) struct LeaderArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
    }
}

/// HB.LEADER.
pub(crate) struct Leader;

impl Command for Leader {
    type Args<'a> = LeaderArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.LEADER",
        summary: "Shows the leader of a service, its epoch, and since when it has led.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: LeaderArgs::ARGS,
        reply: "map `member`, `epoch`, `since_at`, `pid`, `host`; or null",
        errors: &[],
    };

    fn run(_: &LeaderArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_readable()?;
        let Some(leader) = service.leader()? else {
            return Ok(Reply::Null.into());
        };
        let leadership = service.leadership()?;
        let record = service.member(&leader).map(|member| &member.record);
        let host = record.and_then(|record| record.host.as_deref());
        Ok(Reply::Map(vec![
            ("member", Reply::text(leader.as_ref())),
            ("epoch", Reply::number(leadership.epoch)),
            ("since_at", Reply::Int(leadership.since)),
            ("pid", Reply::int_or_null(record.and_then(|record| record.pid))),
            ("host", host.map_or(Reply::Null, Reply::text)),
        ])
        .into())
    }
}
