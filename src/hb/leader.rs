//! HB.LEADER: who leads.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::service::Service;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// HB.LEADER.
pub(crate) struct Leader;

impl Command for Leader {
    const SPEC: Spec = Spec {
        name: "HB.LEADER",
        summary: "Shows who leads a service, in which epoch, and since when.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::SERVICE],
        reply: "map `member`, `epoch`, `since` (unix ms), `pid`, `host`; or null",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
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
            ("since", Reply::Int(leadership.since)),
            ("pid", Reply::int_or_null(record.and_then(|record| record.pid))),
            ("host", host.map_or(Reply::Null, Reply::text)),
        ])
        .into())
    }
}
