//! HB.CAMPAIGN: a member becomes a candidate.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::hb::beat::PRIORITY;
use crate::membership::service::Service;
use crate::pid::register::TOKEN;
use crate::time::Ms;
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct CampaignArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = TOKEN,
        priority: Option<i64> = PRIORITY,
        block: Option<Ms> = Arg::BLOCK.means("how long to wait until it leads; 0: for ever"),
    }
}

/// HB.CAMPAIGN.
pub(crate) struct Campaign;

impl Command for Campaign {
    type Args<'a> = CampaignArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.CAMPAIGN",
        summary: "Makes a member a candidate for leader, highest PRIORITY first; with BLOCK, waits until it leads.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: CampaignArgs::ARGS,
        reply: "map `role`, `epoch`, `leader`, `position`, `reclaim_ms` (0 outside the reclaim window); null when BLOCK ran out",
        errors: &[
            ("NOMEMBER", "there is no such member"),
            ("FENCED", "it is not the token of the member"),
        ],
    };

    fn run(args: &CampaignArgs<'_>, caller: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        service.ensure_types()?;
        service.verify(member, args.token)?;
        let ttl = service.member(member).map_or(0, |member| member.record.ttl);
        service.ensure_may_lead(ttl)?;
        service.touch(member, None);
        service.campaign(member, args.priority)?;
        let leads = service.elect()?.as_deref() == Some(member);
        if leads {
            service.confirm_lead(member)?;
        }
        Ok(match Timeout::asked(args.block, caller).filter(|_| !leads) {
            None => service.render_standing(member)?.into(),
            Some(timeout) => Response::Wait(WaitFor::Lead(service.name.clone(), member.into()), timeout),
        })
    }
}
