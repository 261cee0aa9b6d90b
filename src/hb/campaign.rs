//! HB.CAMPAIGN: a member wants to lead.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::membership::service::{Service, number};
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
        let mut service = Service::open(tx, args, caller)?;
        let member = args.text("member");
        service.ensure_types()?;
        service.verify(member, number(args, "token").unwrap_or(0))?;
        let ttl = service.member(member).map_or(0, |member| member.record.ttl);
        service.ensure_may_lead(ttl)?;
        service.touch(member, None);
        service.campaign(member, args.int("PRIORITY"))?;
        let leads = service.elect()?.as_deref() == Some(member);
        Ok(match Timeout::asked(args, caller).filter(|_| !leads) {
            None => service.render_standing(member)?.into(),
            Some(timeout) => Response::Wait(WaitFor::Lead(service.name, member.into()), timeout),
        })
    }
}
