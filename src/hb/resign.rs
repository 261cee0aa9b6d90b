//! HB.RESIGN: a leader makes room.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::proc::events::{Event, tell};
use crate::proc::{self, election, roster};
use crate::reply::Reply;
use crate::tx::Tx;

arguments! {
    pub(crate) struct ResignArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = Arg::TOKEN,
        to: Option<&'a str> = Arg::option("TO", Arg::text("candidate")),
    }
}

/// HB.RESIGN.
pub(crate) struct Resign;

impl Command for Resign {
    type Args<'a> = ResignArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.RESIGN",
        summary: "Ends a lead at the leader's own wish; the next candidate, or the one named, leads at once.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ResignArgs::ARGS,
        reply: "the new leader, or null",
    };

    fn run(args: &ResignArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let member = args.member.0;
        proc::check(tx, &name)?;
        proc::verify(tx, &name, member, args.token)?;
        if proc::head(tx, &name)?.leader.as_deref() != Some(member) {
            // Its grant may be one that a failover has lost: it makes room all the same.
            if !election::make_room(tx, &name, member)? {
                return Err(proc::fenced(tx, &name)?);
            }
            election::withdraw(tx, &name, member)?;
            let leader = election::elect(tx, &name)?;
            return Ok(leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())).into());
        }
        if let Some(to) = args.to {
            let there = to != member && proc::find(tx, &name, to)?;
            let present = tx.state.presence.member(&name, to).filter(|_| there);
            let stands = present.is_some_and(|present| present.candidate && !proc::is_overdue(tx, present));
            if !stands {
                return Err(Error::BadArg("TO must be another candidate of the service".into()));
            }
        }
        roster::show(tx, &name, member, None);
        roster::update(tx, &name, member, |record| record.exclusive = false)?;
        let present = tx.state.presence.member(&name, member);
        let record = present.map(|present| present.member.clone());
        let epoch = proc::head(tx, &name)?.epoch;
        tx.state.presence.service(&name).settled = true;
        election::vacate(tx, &name)?;
        let event = Event {
            kind: "resigned",
            member,
            record: record.as_ref(),
            epoch: Some(epoch),
            reason: "",
        };
        tell(tx, &name, &event)?;
        if let Some(to) = args.to {
            election::appoint(tx, &name, &to.into())?;
        }
        let leader = election::elect(tx, &name)?;
        Ok(leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())).into())
    }
}
