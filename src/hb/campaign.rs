//! HB.CAMPAIGN: a member wants to lead.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::membership::election;
use crate::membership::members;
use crate::membership::service;
use crate::tx::{Command, Response, Tx};
use crate::waiting::{Timeout, WaitFor};

/// HB.CAMPAIGN.
pub(crate) struct Campaign;

impl Command for Campaign {
    const SPEC: Spec = Spec {
        name: "HB.CAMPAIGN",
        summary: "Makes a member a candidate: it leads when nobody else does, and waits for that if told to.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: &[Arg::SERVICE, Arg::MEMBER, Arg::TOKEN, PRIORITY, Arg::BLOCK],
        reply: "map `role`, `epoch`, `leader`, `position`, `reclaim` (ms, or 0); null when BLOCK ran out",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        let member = args.text("member");
        service::ensure_types(tx, &name)?;
        service::verify(tx, &name, member, service::number(args, "token").unwrap_or(0))?;
        let present = tx.state.services.member(&name, member);
        election::may_lead(tx, present.map_or(0, |present| present.record.ttl))?;
        members::touch(tx, &name, member, None);
        election::stand(tx, &name, member, args.int("PRIORITY"))?;
        let leads = election::elect(tx, &name)?.as_deref() == Some(member);
        Ok(match Timeout::asked(args, caller).filter(|_| !leads) {
            None => election::standing(tx, &name, member)?.into(),
            Some(patience) => Response::Wait(WaitFor::Lead(name, member.into()), patience),
        })
    }
}
