//! HB.CAMPAIGN: a member wants to lead.

use crate::env::Caller;
use crate::error::Error;
use crate::hb::beat::PRIORITY;
use crate::proc::{self, election, roster};
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::time::MAX_BLOCK;
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
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::TOKEN,
            PRIORITY,
            Arg::duration("BLOCK", 0, MAX_BLOCK),
        ],
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
        Ok(match args.int("BLOCK").filter(|_| caller.may_wait && !leads) {
            None => election::standing(unit, &name, member)?.into(),
            Some(0) => Outcome::Wait(Wish::Lead(name, member.into()), Patience::Forever),
            Some(block) => Outcome::Wait(Wish::Lead(name, member.into()), Patience::For(block)),
        })
    }
}
