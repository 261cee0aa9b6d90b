//! HB.CAMPAIGN: a member wants to lead.

use crate::env::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::proc::{self, election, roster};
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::unit::{Command, Outcome, Unit};
use crate::waiting::{Patience, Wish};

/// HB.CAMPAIGN.
pub struct Campaign;

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

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = proc::service(args, caller)?;
        let member = args.text("member");
        proc::check(unit, &name)?;
        proc::verify(unit, &name, member, proc::number(args, "token").unwrap_or(0))?;
        let present = unit.memory.presence.member(&name, member);
        election::may_lead(unit, present.map_or(0, |present| present.member.ttl))?;
        roster::show(unit, &name, member, None);
        election::stand(unit, &name, member, args.int("PRIORITY"))?;
        let leads = election::elect(unit, &name)?.as_deref() == Some(member);
        Ok(match Patience::asked(args, caller).filter(|_| !leads) {
            None => election::standing(unit, &name, member)?.into(),
            Some(patience) => Outcome::Wait(Wish::Lead(name, member.into()), patience),
        })
    }
}
