//! HB.CAMPAIGN: a member wants to lead.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::proc::{self, election, roster};
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
        let name = proc::service(args, caller)?;
        let member = args.text("member");
        proc::check(tx, &name)?;
        proc::verify(tx, &name, member, proc::number(args, "token").unwrap_or(0))?;
        let present = tx.state.presence.member(&name, member);
        election::may_lead(tx, present.map_or(0, |present| present.member.ttl))?;
        roster::show(tx, &name, member, None);
        election::stand(tx, &name, member, args.int("PRIORITY"))?;
        let leads = election::elect(tx, &name)?.as_deref() == Some(member);
        Ok(match Timeout::asked(args, caller).filter(|_| !leads) {
            None => election::standing(tx, &name, member)?.into(),
            Some(patience) => Response::Wait(WaitFor::Lead(name, member.into()), patience),
        })
    }
}
