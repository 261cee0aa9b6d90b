//! HB.CAMPAIGN: a member wants to lead.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::proc::{self, election, roster};
use crate::time::Ms;
use crate::tx::Tx;
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct CampaignArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = Arg::TOKEN,
        priority: Option<i64> = PRIORITY,
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// HB.CAMPAIGN.
pub(crate) struct Campaign;

impl Command for Campaign {
    type Args<'a> = CampaignArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.CAMPAIGN",
        summary: "Makes a member a candidate: it leads when nobody else does, and waits for that if told to.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: CampaignArgs::ARGS,
        reply: "map `role`, `epoch`, `leader`, `position`, `reclaim` (ms, or 0); null when BLOCK ran out",
    };

    fn run(args: &CampaignArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let member = args.member.0;
        proc::check(tx, &name)?;
        proc::verify(tx, &name, member, args.token)?;
        let present = tx.state.presence.member(&name, member);
        election::may_lead(tx, present.map_or(0, |present| present.member.ttl))?;
        roster::show(tx, &name, member, None);
        election::stand(tx, &name, member, args.priority)?;
        let leads = election::elect(tx, &name)?.as_deref() == Some(member);
        Ok(match Timeout::asked(args.block, caller).filter(|_| !leads) {
            None => election::standing(tx, &name, member)?.into(),
            Some(patience) => Response::Wait(WaitFor::Lead(name, member.into()), patience),
        })
    }
}
