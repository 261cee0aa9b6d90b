//! HB.LEADER: who leads.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::proc;
use crate::reply::Reply;
use crate::tx::Tx;

arguments! {
    pub(crate) struct LeaderArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
    }
}

/// HB.LEADER.
pub(crate) struct Leader;

impl Command for Leader {
    type Args<'a> = LeaderArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.LEADER",
        summary: "Shows who leads a service, in which epoch, and since when.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: LeaderArgs::ARGS,
        reply: "map `member`, `epoch`, `since` (unix ms), `pid`, `host`; or null",
    };

    fn run(args: &LeaderArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        proc::look(tx, &name)?;
        let Some(leader) = proc::leader(tx, &name)? else {
            return Ok(Reply::Null.into());
        };
        let head = proc::head(tx, &name)?;
        let record = tx.state.presence.member(&name, &leader).map(|present| &present.member);
        let host = record.and_then(|record| record.host.as_deref());
        Ok(Reply::Map(vec![
            ("member", Reply::text(leader.as_ref())),
            ("epoch", Reply::number(head.epoch)),
            ("since", Reply::Int(head.since)),
            ("pid", Reply::int_or_null(record.and_then(|record| record.pid))),
            ("host", host.map_or(Reply::Null, Reply::text)),
        ])
        .into())
    }
}
